package chat

import "time"

// Limits of the protocol, each with its reason.
const (
	// MaxFrame bounds a client's frame in bytes as sent. API Gateway closes the
	// connection with 1009 above 32 KB (API Gateway quotas), so clients check
	// before they send.
	MaxFrame = 32 << 10
	// MaxBody bounds a message's UTF-8 text in bytes. MaxFrame may refuse
	// shorter texts, since JSON escapes and two layers of base64 make them
	// longer.
	MaxBody = 16 << 10
	// MaxHistoryPage bounds the JWE of one history page in bytes; a single
	// larger message is sent alone.
	MaxHistoryPage = 32 << 10
	// MaxHistoryLimit bounds the messages of one page: each costs a read and a
	// decryption, and short messages fill MaxHistoryPage at about this count.
	MaxHistoryLimit = 100
	// MaxRef bounds a frame's ref in characters.
	MaxRef = 64
	// MaxConnections bounds a user's connections, on all devices together: a
	// handshake above it closes the oldest. A join writes one row for each
	// connection, and a rotation and a revocation one for each connection and
	// room, within one invocation.
	MaxConnections = 20
	// MaxRooms bounds a user's rooms, the lobby included: a handshake writes
	// one row for each.
	MaxRooms = 50
	// MaxMembers bounds the members and the open invitations of a closed room:
	// an operation reads all of them.
	MaxMembers = 200

	// MaxInvitations bounds the invitations that one answer lists, the newest
	// first.
	MaxInvitations = 50

	// MaxDevices bounds a user's devices that are not revoked, since each has a
	// separate rate.
	MaxDevices = 20
	// MaxDevicesListed bounds the devices in one answer, including the revoked
	// ones, which stay on record for ever.
	MaxDevicesListed = 100
	// MaxPresence bounds the users in one answer to presence.
	MaxPresence = 200
	// MaxBegins bounds the challenges on one connection.
	MaxBegins = 5
	// MaxStrangerRefusals is how many frames are refused on a connection before
	// its handshake has completed. The last one closes it: such frames cost an
	// invocation each and no rate.
	MaxStrangerRefusals = 3
	// MaxRefusals is the same after the handshake, for frames that are refused
	// for their form, if no RefusalInterval passes between them. A rate_limited
	// counts as five of them.
	MaxRefusals = 100
)

const (
	// NonceLifetime is how long a client can answer a challenge.
	NonceLifetime = 120 * time.Second
	// RefusalInterval is the time after which a connection may have one more of
	// MaxRefusals.
	RefusalInterval = 5 * time.Second
	// LinkLifetime is how far ahead a link may expire, by the service's clock.
	LinkLifetime = 10 * time.Minute
	// OperationSkew is how far the time of an operation on a room may be from
	// the service's: an operation that was held back is refused.
	OperationSkew = 2 * time.Minute

	// InvitationLifetime is how long an invitation stays open.
	InvitationLifetime = 14 * 24 * time.Hour

	// ConnectionLifetime is the longest an API Gateway WebSocket lives (API
	// Gateway quotas). Rows of connections expire a little later.
	ConnectionLifetime = 2 * time.Hour
	// ConnectionRowLifetime outlives every connection by clock skew and slack.
	ConnectionRowLifetime = ConnectionLifetime + 10*time.Minute
	// PushWindow is how far the time of a push may be from the service's time:
	// a client ignores an older one, which may be replayed.
	PushWindow = 2 * time.Minute
	// PingInterval is how often a client pings: API Gateway closes a
	// connection after 10 idle minutes.
	PingInterval = 5 * time.Minute
	// HintInterval is how often a client sends typing, and a mark, per room.
	HintInterval = 3 * time.Second
	// PresenceInterval is how often a client asks for a room's presence.
	PresenceInterval = 30 * time.Second
)
