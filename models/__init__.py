"""What is checked: equilibrium networks and their training, in torch; knows no theorem."""
