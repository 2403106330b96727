// Package frame holds the shapes of protocol v1: what a client sends
// (request.go), what the service answers (reply.go) and what stands inside the
// signed and encrypted tokens (claims.go). [Parse] and the claims' Check
// methods are the trust boundary: behind them every name, id and number has
// its form. Nothing here verifies a signature or opens an envelope.
package frame
