"""HTTP face: parse, authenticate, call one service, answer."""
