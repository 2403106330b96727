package chat

import "time"

// Rates. Each is a token bucket: tokens come back at a steady pace, and a burst
// may use those that were not needed. A refusal ends as soon as the next token
// is there.
//
// A device and its user pay for every frame after the handshake: the device one
// token, so that no device of a user locks out the others, and the user as many
// units as the frame costs, so that twenty devices buy no more than one. A room
// pays for each message that is appended.
const (
	// DeviceBurst is how many frames a device may send at once.
	DeviceBurst = 100
	// DeviceInterval is how long a frame of a device takes to come back.
	DeviceInterval = 100 * time.Millisecond

	// HandshakeBurst is how many units a device may spend on handshakes at
	// once. They are not the user's, so that a device that floods cannot keep
	// the user's other devices from connecting and revoking it.
	HandshakeBurst = 500
	// HandshakeInterval is how long such a unit takes to come back.
	HandshakeInterval = 40 * time.Millisecond

	// UserBurst is how many units a user may spend at once.
	UserBurst = 1000
	// UserInterval is how long a unit of a user takes to come back. A unit is
	// about the price of one write unit of DynamoDB.
	UserInterval = 10 * time.Millisecond

	// SteadyBurst is how many messages a user may send at once, in all rooms
	// together, before the next ones count as a flood.
	SteadyBurst = 5
	// SteadyInterval is how often a user may send, in the long run, without
	// sending a flood. People type more slowly.
	SteadyInterval = 500 * time.Millisecond
	// FloodMemory is how many messages above SteadyBurst are remembered: who
	// has sent a flood sends no steady message until they are made up for.
	FloodMemory = 100
	// SteadyStart is the part of SteadyBurst that a new name has. The rest
	// comes with time, so that many new names are no burst.
	SteadyStart = 1

	// InvitationBurst is how many users somebody may invite to closed rooms at
	// once: as many as one room takes.
	InvitationBurst = MaxMembers
	// InvitationInterval is how long an invitation takes to come back.
	InvitationInterval = time.Minute

	// RoomInterval is the time between the turns of two messages in a room: a
	// room takes 100 messages a second from all senders together. Its log is
	// one partition with 1,000 write units a second (DynamoDB quotas), of which
	// a message of 1 KB takes 4.
	RoomInterval = 10 * time.Millisecond
	// RoomQueue is how long a message may wait for its turn. Messages of floods
	// wait FloodQueue at most, so they cannot fill the queue for others.
	RoomQueue = 2 * time.Second
	// FloodQueue is how long a message of a flood may wait for its turn.
	FloodQueue = 500 * time.Millisecond
	// FloodInterval is the time between two messages in a room that are part of
	// a flood, of all users together.
	FloodInterval = 100 * time.Millisecond
	// FloodBurst is how many messages of floods a room takes at once.
	FloodBurst = 10
)

// Costs of frames for a user, in units. They are bounds on what DynamoDB
// writes, and on reads and posts at their price in writes: five reads or half a
// post cost about as much as a write.
const (
	// CostFrame is for a small frame: the rates' two writes and some reads.
	CostFrame = 2
	// CostSend is for a message of a few kilobytes.
	CostSend = 10
	// CostPage is for a page of history or presence: up to 200 KB of reads.
	CostPage = 10
	// CostHint is for a hint that is posted to up to 100 connections.
	CostHint = 10
	// CostHandshake is for the transaction of a handshake. Its listeners come
	// on top, one row for each room.
	CostHandshake = 10
	// CostRow is for each row that a handshake, join or leave writes, and for
	// the reads that belong to it.
	CostRow = 2
)
