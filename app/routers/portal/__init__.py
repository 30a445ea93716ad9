"""The pages of developers, under /apps."""
