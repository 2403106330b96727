package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// InferredSetting describes a field of [Inferred] to the user of a command
// line. [Inferred.Set] sets the field by name.
type InferredSetting struct {
	// Name is the field's name in a flag's style, such as "ping-resets-idle".
	Name string
	// Value is the form of the value: "true", "STATUS" (of HTTP), "CODE" (of
	// a close frame) or "TEXT".
	Value string
	// Statements are the numbers in docs/aws-fidelity.md of the behaviours that
	// the setting changes. One setting deviates from RFC 6455 and has none.
	Statements []string
	// Help says in one line what the setting does; the default of a STATUS,
	// CODE or TEXT follows in parentheses.
	Help string

	// field returns a pointer to the field: *bool, *int or *string.
	field func(*Inferred) any
}

// InferredSettings returns the settings of all fields of [Inferred], in the
// order of the fields.
func InferredSettings() []InferredSetting { return slices.Clone(inferredSettings) }

// InferredNames returns the names that [Inferred.Set] takes, in the order of
// the fields.
func InferredNames() []string {
	names := make([]string, len(inferredSettings))
	for i, s := range inferredSettings {
		names[i] = s.Name
	}
	return names
}

// Set sets the field that has the name (see [InferredSettings]) to the value
// and checks it. An error leaves i unchanged; that of an unknown name lists the
// valid ones.
func (i *Inferred) Set(name, value string) error {
	for _, setting := range inferredSettings {
		if setting.Name != name {
			continue
		}
		next := *i
		if err := setField(setting.field(&next), value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		checked := next
		checked.setDefaults()
		if err := checked.check(); err != nil {
			return err
		}
		*i = next
		return nil
	}
	return fmt.Errorf("unknown name %q; want one of %s", name, strings.Join(InferredNames(), ", "))
}

// setField refuses the zero value of a number or text, which would mean the
// default.
func setField(field any, value string) error {
	switch field := field.(type) {
	case *bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		*field = b
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is not a positive number", value)
		}
		*field = n
	case *string:
		if value == "" {
			return errors.New("empty text")
		}
		*field = value
	}
	return nil
}

// inferredSettings has the fields of [Inferred], in their order.
var inferredSettings = []InferredSetting{
	{
		Name:       "malformed-connect-status",
		Value:      "STATUS",
		Statements: []string{"A1.6"},
		Help:       "refuses a handshake whose $connect function returned no valid response (502)",
		field:      func(i *Inferred) any { return &i.MalformedConnectStatus },
	},
	{
		Name:       "connect-task-timeout-status",
		Value:      "STATUS",
		Statements: []string{"A1.7"},
		Help:       "refuses a handshake whose $connect function exceeded its own timeout (502)",
		field:      func(i *Inferred) any { return &i.ConnectTaskTimeoutStatus },
	},
	{
		Name:       "connect-timeout-status",
		Value:      "STATUS",
		Statements: []string{"A1.7"},
		Help:       "refuses a handshake when the integration timeout of $connect passed (504)",
		field:      func(i *Inferred) any { return &i.ConnectTimeoutStatus },
	},
	{
		Name:       "unknown-stage-status",
		Value:      "STATUS",
		Statements: []string{"A1.12"},
		Help:       "refuses a handshake for a stage that does not exist (403)",
		field:      func(i *Inferred) any { return &i.UnknownStageStatus },
	},
	{
		Name:       "compression",
		Value:      "true",
		Statements: []string{"A2.2"},
		Help:       "negotiates permessage-deflate with clients that offer it",
		field:      func(i *Inferred) any { return &i.Compression },
	},
	{
		Name:       "ping-resets-idle",
		Value:      "true",
		Statements: []string{"A2.7"},
		Help:       "a client's ping restarts the idle timeout",
		field:      func(i *Inferred) any { return &i.PingResetsIdle },
	},
	{
		Name:       "typed-authorizer-context",
		Value:      "true",
		Statements: []string{"A3.10"},
		Help:       "events keep the numbers and booleans of an authorizer's context",
		field:      func(i *Inferred) any { return &i.TypedAuthorizerContext },
	},
	{
		Name:       "first-query-value",
		Value:      "true",
		Statements: []string{"A4.1"},
		Help:       "queryStringParameters has the first value of a repeated key, not the last",
		field:      func(i *Inferred) any { return &i.FirstQueryValue },
	},
	{
		Name:       "route-dollar-keys",
		Value:      "true",
		Statements: []string{"A5.5"},
		Help:       "messages can select the routes $connect and $disconnect",
		field:      func(i *Inferred) any { return &i.RouteDollarKeys },
	},
	{
		Name:       "throttled-message",
		Value:      "TEXT",
		Statements: []string{"A6.4"},
		Help:       "text of the error frame for a throttled message (Too Many Requests)",
		field:      func(i *Inferred) any { return &i.ThrottledMessage },
	},
	{
		Name:       "null-result-accepted",
		Value:      "true",
		Statements: []string{"A6.7"},
		Help:       "a message function may return null without an error frame",
		field:      func(i *Inferred) any { return &i.NullResultAccepted },
	},
	{
		Name:       "fresh-error-request-id",
		Value:      "true",
		Statements: []string{"A6.9"},
		Help:       "an error frame has a new request id, not that of the event",
		field:      func(i *Inferred) any { return &i.FreshErrorRequestID },
	},
	{
		Name:       "serial-messages",
		Value:      "true",
		Statements: []string{"A7.5"},
		Help:       "the messages of one connection are handled one after the other",
		field:      func(i *Inferred) any { return &i.SerialMessages },
	},
	{
		Name:       "only-received-resets-idle",
		Value:      "true",
		Statements: []string{"A8.3"},
		Help:       "only messages from the client restart the idle timeout",
		field:      func(i *Inferred) any { return &i.OnlyReceivedResetsIdle },
	},
	{
		Name:       "lifetime-close-code",
		Value:      "CODE",
		Statements: []string{"A8.4"},
		Help:       "closes a connection that reached its lifetime (1001)",
		field:      func(i *Inferred) any { return &i.LifetimeCloseCode },
	},
	{
		Name:       "omit-client-close-reason",
		Value:      "true",
		Statements: []string{"A8.8"},
		Help:       "the $disconnect event does not have the client's close reason",
		field:      func(i *Inferred) any { return &i.OmitClientCloseReason },
	},
	{
		Name:       "drop-code",
		Value:      "CODE",
		Statements: []string{"A8.9"},
		Help:       "code in the $disconnect event of a connection lost without a close frame (1006)",
		field:      func(i *Inferred) any { return &i.DropCode },
	},
	{
		Name:       "drop-until-idle",
		Value:      "true",
		Statements: []string{"A8.9", "C7"},
		Help:       "a lost connection counts as open until the idle timeout",
		field:      func(i *Inferred) any { return &i.DropUntilIdle },
	},
	{
		Name:       "disconnect-after-refusal",
		Value:      "true",
		Statements: []string{"A8.13"},
		Help:       "$disconnect runs for a connection that $connect refused",
		field:      func(i *Inferred) any { return &i.DisconnectAfterRefusal },
	},
	{
		Name:       "disconnect-waits-for-messages",
		Value:      "true",
		Statements: []string{"A8.14"},
		Help:       "$disconnect runs after the connection's message functions returned",
		field:      func(i *Inferred) any { return &i.DisconnectWaitsForMessages },
	},
	{
		Name:  "invalid-utf8-accepted",
		Value: "true",
		Help:  "text that is not UTF-8 is repaired with U+FFFD; otherwise it closes with 1007",
		field: func(i *Inferred) any { return &i.InvalidUTF8Accepted },
	},
	{
		Name:       "empty-stage-variables",
		Value:      "true",
		Statements: []string{"B4"},
		Help:       "events of a stage without variables have \"stageVariables\":{}",
		field:      func(i *Inferred) any { return &i.EmptyStageVariables },
	},
	{
		Name:       "lenient-proxy-response",
		Value:      "true",
		Statements: []string{"B9"},
		Help:       "a function's response may have unknown top-level keys",
		field:      func(i *Inferred) any { return &i.LenientProxyResponse },
	},
	{
		Name:       "malformed-id-gone",
		Value:      "true",
		Statements: []string{"C5"},
		Help:       "GET and DELETE of a malformed connection id answer 410, not 400",
		field:      func(i *Inferred) any { return &i.MalformedIDGone },
	},
	{
		Name:       "empty-post-refused",
		Value:      "true",
		Statements: []string{"C9"},
		Help:       "an empty post answers 400 and sends no empty message",
		field:      func(i *Inferred) any { return &i.EmptyPostRefused },
	},
	{
		Name:       "binary-posts",
		Value:      "true",
		Statements: []string{"C10"},
		Help:       "posts that are not UTF-8 are sent as binary frames",
		field:      func(i *Inferred) any { return &i.BinaryPosts },
	},
}
