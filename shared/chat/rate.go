package chat

import "time"

// Rates. A device spends one token per frame after the handshake; the window
// is long enough that a burst of typing passes and short enough that the
// refusal is over soon. A room's rate is read off its own log.
const (
	// DeviceRate is how many frames a device may send per window.
	DeviceRate = 100
	// DeviceRateWindow is the length of a device's fixed window.
	DeviceRateWindow = 10 * time.Second
	// RoomRate is how many messages a room takes per RoomRateWindow from all
	// senders together. A room's log is one partition of 1,000 write units a
	// second (DynamoDB quotas); a message of 1 KB takes 4 there, so that 250 a
	// second is its ceiling.
	RoomRate = 1000
	// RoomRateWindow is the time in which RoomRate messages may be appended.
	RoomRateWindow = 10 * time.Second
)
