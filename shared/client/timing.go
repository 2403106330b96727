package client

import (
	"math/rand/v2"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// timing holds all durations of the client, so that tests can shorten them.
type timing struct {
	reply     time.Duration // until an answer counts as lost
	dial      time.Duration // until a connection with its handshake counts as failed
	write     time.Duration // until a write counts as failed, which ends the connection
	ping      time.Duration // between two pings of the protocol
	probe     time.Duration // between two WebSocket pings
	grace     time.Duration // how long to wait for a message that a later one has overtaken
	hint      time.Duration // between two typing frames, or two marks, of a room
	presence  time.Duration // between two presence requests of a room
	steady    time.Duration // a connection that lasted this long resets the back-off
	retry     backoff       // between two attempts of one request
	reconnect backoff       // between two connections
}

var defaultTiming = timing{
	reply: 10 * time.Second,
	dial:  30 * time.Second, // includes cold starts of all functions involved
	write: 10 * time.Second,
	ping:  chat.PingInterval,
	// API Gateway answers a WebSocket ping itself and invokes nothing. It
	// reveals a dead network within two minutes. API Gateway closes idle
	// connections regardless; the protocol's own ping prevents that.
	probe: time.Minute,
	// Functions post in parallel, so messages may arrive out of order. Reading
	// the history each time would cost more than a short wait.
	grace:     200 * time.Millisecond,
	hint:      chat.HintInterval,
	presence:  chat.PresenceInterval,
	steady:    30 * time.Second,
	retry:     backoff{first: 250 * time.Millisecond, most: 8 * time.Second},
	reconnect: backoff{first: 250 * time.Millisecond, most: 30 * time.Second},
}

// tries bounds how often one request is retried because the service asked for
// it. With the retry back-off that takes half a minute: three of the windows in
// which rates are counted.
const tries = 9

// backoff doubles a pause from first to most. It adds jitter, so that clients
// do not all reconnect at the same moment.
type backoff struct{ first, most time.Duration }

// delay returns the pause before attempt n, counted from 0: between half of the
// nominal pause and all of it.
func (b backoff) delay(n int) time.Duration {
	nominal := b.most
	if n < 30 && b.first<<n < b.most {
		nominal = b.first << n
	}
	return nominal/2 + rand.N(nominal/2+1)
}
