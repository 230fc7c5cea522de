"""What the causes look at: differences put in order, before anybody draws a conclusion from them."""
