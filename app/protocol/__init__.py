"""The law: pure rules without web, SQL, network or clock."""
