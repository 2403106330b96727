package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

func TestA6_4_ThrottledMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "Limit Exceeded"} {
		s := start(t, map[string]function{"$connect": returns(ok), "ask": echoes, "other": echoes}, func(o *Options) {
			twoWay("ask", "other")(o)
			route("ask", func(r *Route) { r.Throttle = &Throttle{Rate: 2, Burst: 1} })(o)
			o.Inferred.ThrottledMessage = text
		})
		want := text
		if want == "" {
			want = "Too Many Requests"
		}
		c := s.dial()
		ask := func(admitted bool) {
			t.Helper()
			c.send(`{"action":"ask"}`)
			if admitted {
				c.wantReceive(`{"action":"ask"}`)
			} else {
				c.wantPrefix(`{"message": "` + want + `", "connectionId":"` + c.id + `", "requestId":"`)
			}
		}
		ask(true)
		ask(false)
		c.send(`{"action":"other"}`) // another route has another bucket
		c.wantReceive(`{"action":"other"}`)
		s.clock.Advance(499 * time.Millisecond)
		ask(false)
		s.clock.Advance(time.Millisecond)
		ask(true)
		s.clock.Advance(time.Hour) // the bucket holds no more than the burst
		ask(true)
		ask(false)
	}
}

// A stage's throttle is the default of each single route. A route's throttle
// replaces the values that it sets.
func TestRouteAndStageThrottles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		stage, route *Throttle
		admitted     int // of 4 at once
	}{
		{"none", nil, nil, 4},
		{"stage", &Throttle{Rate: 1, Burst: 2}, nil, 2},
		{"route", nil, &Throttle{Rate: 1, Burst: 3}, 3},
		{"route before stage", &Throttle{Rate: 1, Burst: 2}, &Throttle{Rate: 1, Burst: 3}, 3},
		{"route's rate, stage's burst", &Throttle{Rate: 1, Burst: 2}, &Throttle{Rate: 5, Burst: -1}, 2},
		{"rate alone", nil, &Throttle{Rate: 5, Burst: -1}, 4},
		{"nothing set", &Throttle{Rate: -1, Burst: -1}, nil, 4},
		{"closed", nil, &Throttle{}, 0},
	} {
		s := start(t, map[string]function{"ask": echoes, "other": echoes}, func(o *Options) {
			twoWay("ask", "other")(o)
			o.APIs[0].Throttle = test.stage
			route("ask", func(r *Route) { r.Throttle = test.route })(o)
		})
		c := s.dial()
		admitted := 0
		for range 4 {
			c.send(`{"action":"ask"}`)
			if c.receive() == `{"action":"ask"}` {
				admitted++
			}
		}
		if admitted != test.admitted {
			t.Errorf("%s: got %d admitted, want %d", test.name, admitted, test.admitted)
		}
	}
}

func TestA6_4_HandshakeThrottled(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, func(o *Options) { o.Limits.NewConnections = 2 })
	s.dial()
	s.dial()
	s.wantRefusal("/prod", nil, 429, `{"message":"Too Many Requests"}`)
	s.noEvent("$connect")
	s.clock.Advance(500 * time.Millisecond)
	s.dial()

	s = start(t, map[string]function{"$connect": returns(ok)},
		route("$connect", func(r *Route) { r.Throttle = &Throttle{Rate: 1, Burst: 1} }))
	s.dial()
	s.wantRefusal("/prod", nil, 429, `{"message":"Too Many Requests"}`)
}

func TestC5_LimitExceededOfTheAccount(t *testing.T) {
	t.Parallel()
	// Handshakes, messages and posts share the account's bucket.
	s := start(t, map[string]function{"$connect": returns(ok), "ask": echoes}, func(o *Options) {
		o.Limits.AccountRate, o.Limits.AccountBurst = 1, 3
		twoWay("ask")(o)
	})
	c := s.dial()
	c.send(`{"action":"ask"}`)
	c.receive()
	s.mustPost(c.id, "hello")
	c.receive()

	limit := (*types.LimitExceededException)(nil)
	if err := s.post(c.id, "too much"); !errors.As(err, &limit) {
		t.Errorf("got error %v, want LimitExceededException", err)
	}
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		response, body := s.request(method, "/prod/@connections/"+url.PathEscape(c.id), "x", true)
		if response.StatusCode != 429 || !strings.HasPrefix(body, `{"message":"`) ||
			response.Header.Get("x-amzn-ErrorType") != "LimitExceededException" {
			t.Errorf("%s: got %s %v %s, want 429 LimitExceededException", method, response.Status,
				response.Header, body)
		}
	}
	c.send(`{"action":"ask"}`)
	c.wantPrefix(`{"message": "Too Many Requests"`)
	s.wantRefusal("/prod", nil, 429, `{"message":"Too Many Requests"}`)
	s.clock.Advance(time.Second)
	s.mustPost(c.id, "again")
	c.wantReceive("again")
}
