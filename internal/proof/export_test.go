package proof

// Private is the key that signs under a key of a ring, and its id.
var Private = private
