// Package room holds the service's use cases: open and close a connection,
// handshake, send, history, join, leave, rotate, revoke, ping and the hints.
// One message passes through it in one direction:
//
//	route → frame.Parse → Service.Send { Keys.OpenSend → Log.Append → envelope.Seal per device → Poster.Post }
//
// The package decides what happens in which order; it does no I/O. The small
// interfaces that it needs are in store.go and ports.go, their in-memory
// implementations in package memory, their DynamoDB implementation in package
// table, and one behavioural suite for both in package storetest.
//
// Errors that a client may see are *chat.Errors. Every other error reaches the
// client as chat.Internal, and only the log has its text.
package room
