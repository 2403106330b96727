// Package frame has the types of protocol v2: the frames of clients
// (request.go), the frames of the service (reply.go) and the claims of signed
// tokens (claims.go). [Parse] and the claims' Check methods are the trust
// boundary: they check the form of every name, id and number. The package
// verifies no signature and opens no envelope.
package frame
