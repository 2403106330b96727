package gateway

import "fmt"

// Inferred holds one switch for each behaviour that no source confirms. The
// zero value is the inferred behaviour; the fields say the other one. Re-check
// on AWS, then delete the field.
type Inferred struct {
	// MalformedConnectStatus answers the handshake when $connect returned no
	// valid proxy response (A1.6): 502.
	MalformedConnectStatus int
	// ConnectTaskTimeoutStatus answers the handshake when $connect ran into its
	// own Lambda timeout (A1.7): 502.
	ConnectTaskTimeoutStatus int
	// ConnectTimeoutStatus answers the handshake when the integration timeout
	// passed first (A1.7): 504.
	ConnectTimeoutStatus int
	// UnknownStageStatus answers a handshake for a stage that does not exist
	// (A1.12): 403.
	UnknownStageStatus int
	// Compression negotiates permessage-deflate with clients that offer it
	// (A2.2). Frames and their limit are then of compressed bytes.
	Compression bool
	// PingResetsIdle lets a client's ping count against idleness (A2.7).
	PingResetsIdle bool
	// TypedAuthorizerContext leaves an authorizer's numbers and booleans as
	// they are in events, instead of making them strings (A3.10).
	TypedAuthorizerContext bool
	// FirstQueryValue keeps the first of a repeated query key in
	// queryStringParameters, not the last (A4.1).
	FirstQueryValue bool
	// RouteDollarKeys lets a message select "$connect" and "$disconnect"
	// (A5.5).
	RouteDollarKeys bool
	// ThrottledMessage is the text of the frame for a throttled message (A6.4):
	// "Too Many Requests".
	ThrottledMessage string
	// NullResultAccepted treats a message function's null result as success
	// instead of an error (A6.7).
	NullResultAccepted bool
	// FreshErrorRequestID gives an error frame a request id of its own, not
	// that of the failing event (A6.9).
	FreshErrorRequestID bool
	// SerialMessages runs the messages of one connection one after the other
	// (A7.5).
	SerialMessages bool
	// OnlyReceivedResetsIdle lets only messages from the client count against
	// idleness, not those to it (A8.3 leaves it open).
	OnlyReceivedResetsIdle bool
	// LifetimeCloseCode closes a connection that reached its lifetime (A8.4):
	// 1001.
	LifetimeCloseCode int
	// OmitClientCloseReason keeps a client's close reason from $disconnect
	// (A8.8).
	OmitClientCloseReason bool
	// DropCode is what $disconnect gets for a connection lost without a close
	// frame (A8.9): 1006.
	DropCode int
	// DropUntilIdle takes a lost connection for open until the idle time has
	// passed: posts answer 200, $disconnect comes late (A8.9, C7).
	DropUntilIdle bool
	// DisconnectAfterRefusal runs $disconnect for a connection that $connect
	// refused (A8.13), with DropCode.
	DisconnectAfterRefusal bool
	// DisconnectWaitsForMessages runs $disconnect only after the connection's
	// message functions have returned (A8.14).
	DisconnectWaitsForMessages bool
	// InvalidUTF8Accepted lets text that is not UTF-8 through, with U+FFFD in
	// the event, instead of closing with 1007 (RFC 6455 §8.1).
	InvalidUTF8Accepted bool
	// EmptyStageVariables puts "stageVariables":{} into events of a stage
	// without any (B4).
	EmptyStageVariables bool
	// LenientProxyResponse accepts unknown top-level keys in a function's
	// result (B9).
	LenientProxyResponse bool
	// MalformedIDGone answers GET and DELETE of an id that cannot be decoded
	// with 410 instead of 400 (C5).
	MalformedIDGone bool
	// EmptyPostRefused answers an empty post with 400 instead of sending an
	// empty message (C9).
	EmptyPostRefused bool
	// BinaryPosts sends posts that are not UTF-8 as binary frames (C10).
	BinaryPosts bool
}

func (i *Inferred) setDefaults() {
	setDefault(&i.MalformedConnectStatus, 502)
	setDefault(&i.ConnectTaskTimeoutStatus, 502)
	setDefault(&i.ConnectTimeoutStatus, 504)
	setDefault(&i.UnknownStageStatus, 403)
	setDefault(&i.ThrottledMessage, tooManyRequestsMessage)
	setDefault(&i.LifetimeCloseCode, 1001)
	setDefault(&i.DropCode, 1006)
}

// check refuses what net/http or the WebSocket framing would refuse later, in
// the middle of a connection.
func (i Inferred) check() error {
	for name, status := range map[string]int{
		"MalformedConnectStatus": i.MalformedConnectStatus, "ConnectTaskTimeoutStatus": i.ConnectTaskTimeoutStatus,
		"ConnectTimeoutStatus": i.ConnectTimeoutStatus, "UnknownStageStatus": i.UnknownStageStatus,
	} {
		if status < 300 || status > 599 {
			return fmt.Errorf("%s: %d does not refuse a handshake", name, status)
		}
	}
	if code := i.LifetimeCloseCode; code != 1000 && code != 1001 && (code < 3000 || code > 4999) {
		return fmt.Errorf("LifetimeCloseCode: %d cannot be sent by a server", code)
	}
	return nil
}
