"""The steps that protocol endpoints share; here the pure rules meet I/O."""
