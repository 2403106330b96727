package chat

import "time"

// Rates. A device spends one token per frame after the handshake. The window is
// long enough for a burst of typing and short enough that a refusal ends soon.
// A room's rate follows from its log.
const (
	// DeviceRate is how many frames a device may send per window.
	DeviceRate = 100
	// DeviceRateWindow is the length of a device's fixed window.
	DeviceRateWindow = 10 * time.Second
	// RoomRate is how many messages a room accepts per RoomRateWindow from all
	// senders together. A room's log is one partition with 1,000 write units a
	// second (DynamoDB quotas). A message of 1 KB takes 4 of them, so the log
	// cannot take more than 250 messages a second.
	RoomRate = 1000
	// RoomRateWindow is the time in which RoomRate messages may be appended.
	RoomRateWindow = 10 * time.Second
)
