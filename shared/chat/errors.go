package chat

// Code is a wire error code from the closed list of protocol §8.
type Code string

// Error is an error that a client may see. Its values are the closed list
// below, and immutable. Every other failure reaches a client as [Internal], and
// only the log has its cause. Compare with errors.Is.
type Error struct {
	code    Code
	message string
	retry   bool
	closes  bool
}

// NewError returns an error that is not in the closed list. Clients need it for
// the codes of a service that is newer than they are.
func NewError(code Code, message string, retry bool) *Error {
	return &Error{code: code, message: message, retry: retry}
}

// Code returns the code that identifies the error on the wire.
func (e *Error) Code() Code { return e.code }

// Message returns the error's fixed text, a sentence for people.
func (e *Error) Message() string { return e.message }

// Retry reports whether the same frame may be sent again unchanged.
func (e *Error) Retry() bool { return e.retry }

// Closes reports whether the service closes the connection after the error
// frame (protocol §5): the client is broken or hostile.
func (e *Error) Closes() bool { return e.closes }

// Error returns the code and the message.
func (e *Error) Error() string { return string(e.code) + ": " + e.message }

// The closed list (protocol §8).
var (
	BadFrame = &Error{
		code:    "bad_frame",
		message: "The frame is not a JSON object of the form this action takes.",
	}
	UnknownAction      = &Error{code: "unknown_action", message: "There is no such action."}
	FrameTooLarge      = &Error{code: "frame_too_large", message: "A frame may have at most 32768 bytes."}
	VersionUnsupported = &Error{
		code:    "version_unsupported",
		message: "This client speaks another version of the protocol than the service, which speaks version 2; update the client.",
	}
	HandshakeRequired = &Error{code: "handshake_required", message: "This connection has not completed a handshake."}
	AlreadyBound      = &Error{
		code:    "already_bound",
		message: "This connection is bound to a device already, or has begun too often.",
	}
	BadProof     = &Error{code: "bad_proof", message: "The proof does not hold."}
	NonceExpired = &Error{code: "nonce_expired", message: "There is no open challenge; begin again."}
	NameInvalid  = &Error{
		code:    "name_invalid",
		message: "A name has 2 to 32 characters of a-z, 0-9, - and _, starts with a letter or digit, and is not reserved.",
	}
	NameTaken       = &Error{code: "name_taken", message: "This name belongs to somebody else."}
	DeviceUnknown   = &Error{code: "device_unknown", message: "This device is not linked to the user."}
	DeviceRevoked   = &Error{code: "device_revoked", message: "This device was revoked."}
	StaleDeviceKey  = &Error{code: "stale_device_key", message: "A newer encryption key of this device is on record."}
	KeyUnacceptable = &Error{
		code:    "key_unacceptable",
		message: "The encryption key must be RSA of 2048 or 3072 bits with e = 65537, as a canonical public JWK.",
	}
	BadMAC         = &Error{code: "bad_mac", message: "The frame does not end with the mac of this session."}
	BadEnvelope    = &Error{code: "bad_envelope", message: "The message could not be opened.", closes: true}
	StaleServerKey = &Error{
		code:    "stale_server_key",
		message: "The server key is not accepted any more; seal again to the newest.",
	}
	BadSignature    = &Error{code: "bad_signature", message: "The signature does not hold.", closes: true}
	SessionMismatch = &Error{
		code:    "session_mismatch",
		message: "The message was made for another session.",
		closes:  true,
	}
	NotAMember  = &Error{code: "not_a_member", message: "You are not a member of this room."}
	RoomInvalid = &Error{code: "room_invalid", message: "There is no such room, or this cannot be done with it."}
	UserUnknown = &Error{code: "user_unknown", message: "There is no user of this name."}
	RoomTaken   = &Error{code: "room_taken", message: "There is an open room of this name already."}
	NotAllowed  = &Error{code: "not_allowed", message: "Your role in this room does not allow this."}
	NotFresh    = &Error{
		code:    "not_fresh",
		message: "The operation was signed more than two minutes ago, or a clock is wrong.",
	}
	TooManyMembers = &Error{
		code:    "too_many_members",
		message: "A closed room may have at most 200 members and open invitations.",
	}
	TooManyRooms   = &Error{code: "too_many_rooms", message: "A user may be in at most 50 rooms."}
	TooManyDevices = &Error{
		code:    "too_many_devices",
		message: "A user may have at most 20 devices that are not revoked.",
	}
	BodyTooLarge = &Error{code: "body_too_large", message: "A message may have at most 16384 bytes of text."}
	RateLimited  = &Error{code: "rate_limited", message: "Too many requests; wait a little.", retry: true}
	TryAgain     = &Error{code: "try_again", message: "This did not work just now; send it again.", retry: true}
	Internal     = &Error{code: "internal", message: "Something went wrong on our side.", retry: true}
)

// Errors returns the closed list in the order of protocol §8.
func Errors() []*Error {
	return []*Error{
		BadFrame, UnknownAction, FrameTooLarge, VersionUnsupported, HandshakeRequired, AlreadyBound, BadProof,
		NonceExpired, NameInvalid, NameTaken, DeviceUnknown, DeviceRevoked, StaleDeviceKey, KeyUnacceptable, BadMAC,
		BadEnvelope, StaleServerKey, BadSignature, SessionMismatch, NotAMember, RoomInvalid, UserUnknown, RoomTaken,
		NotAllowed, NotFresh, TooManyMembers, TooManyRooms, TooManyDevices, BodyTooLarge, RateLimited, TryAgain,
		Internal,
	}
}
