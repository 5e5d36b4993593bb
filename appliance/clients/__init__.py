"""What published phones and desktops are shown, and what they tell: devices, activity, skills."""
