package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Route keys that API Gateway defines. Of these, messages reach only $default
// (A5.5).
const (
	connectKey    = "$connect"
	disconnectKey = "$disconnect"
	defaultKey    = "$default"
)

// requestTimeLayout is the form of time in access logs, in UTC (B4).
const requestTimeLayout = "02/Jan/2006:15:04:05 -0700"

// event is the Lambda proxy event of a WebSocket route, in AWS's order of
// members. Members that an event type does not have are left out, never null
// (B5).
type event struct {
	Headers                         map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables                  map[string]string   `json:"stageVariables,omitzero"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body,omitempty"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

// requestContext is the member of that name in an event, in AWS's order of
// members.
type requestContext struct {
	RouteKey             string         `json:"routeKey"`
	Authorizer           map[string]any `json:"authorizer,omitempty"`
	DisconnectStatusCode int            `json:"disconnectStatusCode,omitempty"`
	MessageID            string         `json:"messageId,omitempty"`
	EventType            string         `json:"eventType"`
	ExtendedRequestID    string         `json:"extendedRequestId"`
	RequestTime          string         `json:"requestTime"`
	MessageDirection     string         `json:"messageDirection"`
	DisconnectReason     *string        `json:"disconnectReason,omitempty"`
	Stage                string         `json:"stage"`
	ConnectedAt          int64          `json:"connectedAt"`
	RequestTimeEpoch     int64          `json:"requestTimeEpoch"`
	Identity             identity       `json:"identity"`
	RequestID            string         `json:"requestId"`
	DomainName           string         `json:"domainName"`
	ConnectionID         string         `json:"connectionId"`
	APIID                string         `json:"apiId"`
}

// identity describes the client in events and in answers of @connections.
type identity struct {
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`
}

// newEvent returns an event with the members that all event types have.
func (g *Gateway) newEvent(c *connection, eventType, routeKey string) *event {
	now := g.opts.Now()
	id := newID()
	e := &event{
		StageVariables: c.stage.Load().StageVariables,
		RequestContext: requestContext{
			RouteKey:          routeKey,
			Authorizer:        c.authorizer,
			EventType:         eventType,
			ExtendedRequestID: id,
			RequestTime:       now.UTC().Format(requestTimeLayout),
			MessageDirection:  "IN",
			Stage:             c.stageName,
			ConnectedAt:       c.connectedAt.UnixMilli(),
			RequestTimeEpoch:  now.UnixMilli(),
			Identity:          c.identity,
			RequestID:         id,
			DomainName:        c.domain,
			ConnectionID:      c.id,
			APIID:             c.apiID,
		},
	}
	if len(e.StageVariables) == 0 {
		e.StageVariables = nil
		if g.opts.Inferred.EmptyStageVariables {
			e.StageVariables = map[string]string{}
		}
	}
	return e
}

// connectEvent returns the event of a handshake (B1).
func (g *Gateway) connectEvent(c *connection, r *http.Request) *event {
	e := g.newEvent(c, "CONNECT", connectKey)
	e.Headers, e.MultiValueHeaders = eventHeaders(r, c, g.opts.Now())
	e.QueryStringParameters, e.MultiValueQueryStringParameters = eventQuery(r.URL, g.opts.Inferred.FirstQueryValue)
	return e
}

// messageEvent returns the event of a message (B2).
func (g *Gateway) messageEvent(c *connection, routeKey string, body []byte) *event {
	e := g.newEvent(c, "MESSAGE", routeKey)
	e.RequestContext.MessageID = newMessageID(c.id)
	text := string(body)
	e.Body = &text
	return e
}

// disconnectEvent returns the event of a connection's end (B3). Its four
// headers are the same for every client.
func (g *Gateway) disconnectEvent(c *connection, how *closure) *event {
	e := g.newEvent(c, "DISCONNECT", disconnectKey)
	e.Headers = map[string]string{"Host": c.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
	e.MultiValueHeaders = make(map[string][]string, len(e.Headers))
	for name, value := range e.Headers {
		e.MultiValueHeaders[name] = []string{value}
	}
	reason := how.reason
	e.RequestContext.DisconnectStatusCode = int(how.code)
	e.RequestContext.DisconnectReason = &reason
	return e
}

// encode returns the JSON of a value. Like AWS, it does not escape <, > and &.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// eventHeaders returns the client's headers without hop-by-hop headers, and
// those that API Gateway adds (A4.2, A4.3). Port and scheme are those of AWS,
// which serves TLS only. The map with single values has the last value of a
// repeated header.
func eventHeaders(r *http.Request, c *connection, now time.Time) (map[string]string, map[string][]string) {
	sent := sentNames(r)
	multi := make(map[string][]string, len(r.Header)+5)
	for name, values := range r.Header {
		switch name {
		case "Connection", "Upgrade", "Content-Length", "X-Amzn-Trace-Id",
			"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
		default:
			multi[eventHeaderName(name, sent)] = values
		}
	}
	multi["Host"] = []string{c.domain}
	multi["X-Amzn-Trace-Id"] = []string{newTraceID(now)}
	forwarded := append(r.Header.Values("X-Forwarded-For"), c.identity.SourceIP)
	multi["X-Forwarded-For"] = []string{strings.Join(forwarded, ", ")}
	multi["X-Forwarded-Port"] = []string{"443"}
	multi["X-Forwarded-Proto"] = []string{"https"}
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		if len(values) > 0 {
			single[name] = values[len(values)-1]
		}
	}
	return single, multi
}

// eventQuery returns the query parameters, or nil maps if there are none
// (A4.1). If first is true, the map with single values has the first value of a
// repeated key, otherwise the last.
func eventQuery(u *url.URL, first bool) (map[string]string, map[string][]string) {
	multi := u.Query()
	if len(multi) == 0 {
		return nil, nil
	}
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		single[name] = values[len(values)-1]
		if first {
			single[name] = values[0]
		}
	}
	return single, multi
}
