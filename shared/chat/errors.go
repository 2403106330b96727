package chat

// Code is a wire error code from the closed list of protocol §8.
type Code string

// Error is an error a client may see: a code, a fixed text and whether the
// same frame may be sent again as it is. The list below is closed; anything
// else that goes wrong reaches a client as [Internal], its detail only the log.
type Error struct {
	Code    Code
	Message string
	Retry   bool
	// Closes tells that the service closes the connection after saying so
	// (protocol §5): the client proved itself broken or hostile.
	Closes bool
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// The closed list (protocol §8). Compare with errors.Is or errors.As.
var (
	BadFrame = &Error{
		Code:    "bad_frame",
		Message: "The frame is not a JSON object of the form this action takes.",
	}
	UnknownAction     = &Error{Code: "unknown_action", Message: "There is no such action."}
	FrameTooLarge     = &Error{Code: "frame_too_large", Message: "A frame may have at most 32768 bytes."}
	HandshakeRequired = &Error{Code: "handshake_required", Message: "This connection has not completed a handshake."}
	AlreadyBound      = &Error{
		Code:    "already_bound",
		Message: "This connection is bound to a device already, or has begun too often.",
	}
	BadProof     = &Error{Code: "bad_proof", Message: "The proof does not hold."}
	NonceExpired = &Error{Code: "nonce_expired", Message: "There is no open challenge; begin again."}
	NameInvalid  = &Error{
		Code:    "name_invalid",
		Message: "A name has 2 to 32 characters of a-z, 0-9, - and _, starts with a letter or digit, and is not reserved.",
	}
	NameTaken       = &Error{Code: "name_taken", Message: "This name belongs to somebody else."}
	DeviceUnknown   = &Error{Code: "device_unknown", Message: "This device is not linked to the user."}
	DeviceRevoked   = &Error{Code: "device_revoked", Message: "This device was revoked."}
	StaleDeviceKey  = &Error{Code: "stale_device_key", Message: "A newer encryption key of this device is on record."}
	KeyUnacceptable = &Error{
		Code:    "key_unacceptable",
		Message: "The encryption key must be RSA of 2048 or 3072 bits with e = 65537, as a canonical public JWK.",
	}
	BadEnvelope    = &Error{Code: "bad_envelope", Message: "The message could not be opened.", Closes: true}
	StaleServerKey = &Error{
		Code:    "stale_server_key",
		Message: "The server key is not accepted any more; seal again to the newest.",
	}
	BadSignature    = &Error{Code: "bad_signature", Message: "The signature does not hold.", Closes: true}
	SessionMismatch = &Error{
		Code:    "session_mismatch",
		Message: "The message was made for another session.",
		Closes:  true,
	}
	NotAMember     = &Error{Code: "not_a_member", Message: "You are not a member of this room."}
	RoomInvalid    = &Error{Code: "room_invalid", Message: "There is no such room, or this cannot be done with it."}
	TooManyRooms   = &Error{Code: "too_many_rooms", Message: "A user may be in at most 50 rooms."}
	TooManyDevices = &Error{
		Code:    "too_many_devices",
		Message: "A user may have at most 20 devices that are not revoked.",
	}
	BodyTooLarge = &Error{Code: "body_too_large", Message: "A message may have at most 16384 bytes of text."}
	RateLimited  = &Error{Code: "rate_limited", Message: "Too many requests; wait a little.", Retry: true}
	TryAgain     = &Error{Code: "try_again", Message: "This did not work just now; send it again.", Retry: true}
	Internal     = &Error{Code: "internal", Message: "Something went wrong on our side.", Retry: true}
)

// Errors lists the closed list in the order of protocol §8.
var Errors = []*Error{
	BadFrame, UnknownAction, FrameTooLarge, HandshakeRequired, AlreadyBound, BadProof, NonceExpired, NameInvalid,
	NameTaken, DeviceUnknown, DeviceRevoked, StaleDeviceKey, KeyUnacceptable, BadEnvelope, StaleServerKey,
	BadSignature, SessionMismatch, NotAMember, RoomInvalid, TooManyRooms, TooManyDevices, BodyTooLarge,
	RateLimited, TryAgain, Internal,
}
