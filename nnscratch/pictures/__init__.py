"""Any picture → what the network can read: `read.load_picture` goes through every step."""
