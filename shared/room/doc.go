// Package room holds the service's use cases: open and close a connection,
// handshake, send, history, join, leave, rotate, ping. One message reads in one
// direction through it:
//
//	frame → route → Service.Send { Keys.OpenSend → Log.Append → envelope.Seal per device → Poster.Post }
//
// The package decides and orders; it does no I/O of its own. The small
// interfaces it needs stand in store.go and ports.go, their in-memory form in
// package memory, their DynamoDB form in package table, and one behavioural
// suite for both in package storetest.
//
// Errors a client may see are chat.Errors; every other error means
// chat.Internal to the client and its text goes to the log only.
package room
