"""Tables of the API's operations, by what they are about."""
