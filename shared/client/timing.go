package client

import (
	"math/rand/v2"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// timing holds every duration of the client, so that tests can shrink them.
type timing struct {
	reply     time.Duration // until an answer counts as lost
	dial      time.Duration // until a connection with its handshake counts as failed
	write     time.Duration // until a frame that does not leave ends the connection
	ping      time.Duration // between two pings of the protocol
	probe     time.Duration // between two WebSocket pings
	grace     time.Duration // a message may be overtaken by its successor for that long
	hint      time.Duration // between two typing frames, and two marks, of a room
	presence  time.Duration // until presence is asked for again
	steady    time.Duration // a connection that lived this long starts back-off anew
	retry     backoff       // between two tries of one request
	reconnect backoff       // between two connections
}

var defaultTiming = timing{
	reply: 10 * time.Second,
	dial:  30 * time.Second, // a cold start of every function on the way is in it
	write: 10 * time.Second,
	ping:  chat.PingInterval,
	// A WebSocket ping is answered by API Gateway itself and invokes nothing.
	// It shows a dead network within two minutes; that API Gateway closes idle
	// connections regardless is what the protocol's own ping is for.
	probe: time.Minute,
	// Functions post in parallel, so order on the wire is by luck. A page of
	// history for each overtaking would cost more than it gains.
	grace:     200 * time.Millisecond,
	hint:      chat.HintInterval,
	presence:  chat.PresenceInterval,
	steady:    30 * time.Second,
	retry:     backoff{first: 250 * time.Millisecond, most: 8 * time.Second},
	reconnect: backoff{first: 250 * time.Millisecond, most: 30 * time.Second},
}

// tries bounds how often one request is sent because the service asked for it.
// With the retry back-off that is half a minute: three of the windows in which
// rates are counted.
const tries = 9

// backoff doubles from first to most, jittered, so that the clients of a
// service that comes back do not all come back at once.
type backoff struct{ first, most time.Duration }

// delay is how long to wait before try n, from 0: between half of the nominal
// time and all of it.
func (b backoff) delay(n int) time.Duration {
	nominal := b.most
	if n < 30 && b.first<<n < b.most {
		nominal = b.first << n
	}
	return nominal/2 + rand.N(nominal/2+1)
}
