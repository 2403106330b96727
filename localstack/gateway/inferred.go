package gateway

import "fmt"

// Inferred has one field for each behaviour that no source of AWS describes.
// The zero value is what the gateway infers; a field selects the other
// behaviour. When a test on AWS has shown which one is right, delete the field
// and the other branch. [Inferred.Set] sets a field by its name on a command
// line.
type Inferred struct {
	// MalformedConnectStatus refuses a handshake whose $connect function
	// returned no valid proxy response (A1.6): 502.
	MalformedConnectStatus int
	// ConnectTaskTimeoutStatus refuses a handshake whose $connect function
	// exceeded its own Lambda timeout (A1.7): 502.
	ConnectTaskTimeoutStatus int
	// ConnectTimeoutStatus refuses a handshake when the integration timeout of
	// $connect passed first (A1.7): 504.
	ConnectTimeoutStatus int
	// UnknownStageStatus refuses a handshake for a stage that does not exist
	// (A1.12): 403.
	UnknownStageStatus int
	// Compression negotiates permessage-deflate with clients that offer it
	// (A2.2). The limit of a frame then counts compressed bytes.
	Compression bool
	// PingResetsIdle lets a client's ping restart the idle timeout (A2.7).
	PingResetsIdle bool
	// TypedAuthorizerContext keeps the numbers and booleans of an authorizer's
	// context in events, instead of making them strings (A3.10).
	TypedAuthorizerContext bool
	// FirstQueryValue puts the first value of a repeated query key into
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
	// FreshErrorRequestID gives an error frame a new request id, not that of
	// the event that failed (A6.9).
	FreshErrorRequestID bool
	// SerialMessages handles the messages of one connection one after the other
	// (A7.5).
	SerialMessages bool
	// OnlyReceivedResetsIdle lets only messages from the client restart the
	// idle timeout, not those to it (A8.3 leaves it open).
	OnlyReceivedResetsIdle bool
	// LifetimeCloseCode closes a connection that reached its lifetime (A8.4):
	// 1001.
	LifetimeCloseCode int
	// OmitClientCloseReason leaves the client's close reason out of the
	// $disconnect event (A8.8).
	OmitClientCloseReason bool
	// DropCode is the code in the $disconnect event of a connection that was
	// lost without a close frame (A8.9): 1006.
	DropCode int
	// DropUntilIdle treats a lost connection as open until the idle timeout:
	// posts answer 200, $disconnect runs late (A8.9, C7).
	DropUntilIdle bool
	// DisconnectAfterRefusal runs $disconnect for a connection that $connect
	// refused (A8.13), with DropCode.
	DisconnectAfterRefusal bool
	// DisconnectWaitsForMessages runs $disconnect after the connection's
	// message functions have returned (A8.14).
	DisconnectWaitsForMessages bool
	// InvalidUTF8Accepted accepts text that is not UTF-8 and puts U+FFFD into
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

// check returns an error for a value that net/http or the WebSocket protocol
// would refuse later, when a connection needs it.
func (i Inferred) check() error {
	for _, s := range []struct {
		name   string
		status int
	}{
		{"malformed-connect-status", i.MalformedConnectStatus},
		{"connect-task-timeout-status", i.ConnectTaskTimeoutStatus},
		{"connect-timeout-status", i.ConnectTimeoutStatus},
		{"unknown-stage-status", i.UnknownStageStatus},
	} {
		if s.status < 300 || s.status > 599 {
			return fmt.Errorf("%s: %d is not a status that refuses a handshake; want 300 to 599", s.name, s.status)
		}
	}
	if code := i.LifetimeCloseCode; code != 1000 && code != 1001 && (code < 3000 || code > 4999) {
		return fmt.Errorf("lifetime-close-code: a server cannot send %d; want 1000, 1001 or 3000 to 4999", code)
	}
	return nil
}
