"""What goes over the WebSockets, told as AsyncAPI 3.0 from the frames and the contract themselves."""
