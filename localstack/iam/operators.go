package iam

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// operator compiles a value of a policy into a matcher. A negated operator
// compiles its positive form; the condition inverts the result.
type operator struct {
	compile func(value string, variables bool) (matcher, error)
	negated bool
}

// operators are the condition operators of IAM (IAM user guide, "Condition
// operators") without qualifiers and IfExists. [condition] implements Null.
var operators = map[string]operator{
	"StringEquals":              {stringEquals, false},
	"StringNotEquals":           {stringEquals, true},
	"StringEqualsIgnoreCase":    {stringEqualsFold, false},
	"StringNotEqualsIgnoreCase": {stringEqualsFold, true},
	"StringLike":                {stringLike, false},
	"StringNotLike":             {stringLike, true},
	"NumericEquals":             {numeric(func(a, b float64) bool { return a == b }), false},
	"NumericNotEquals":          {numeric(func(a, b float64) bool { return a == b }), true},
	"NumericLessThan":           {numeric(func(a, b float64) bool { return a < b }), false},
	"NumericLessThanEquals":     {numeric(func(a, b float64) bool { return a <= b }), false},
	"NumericGreaterThan":        {numeric(func(a, b float64) bool { return a > b }), false},
	"NumericGreaterThanEquals":  {numeric(func(a, b float64) bool { return a >= b }), false},
	"DateEquals":                {date(func(order int) bool { return order == 0 }), false},
	"DateNotEquals":             {date(func(order int) bool { return order == 0 }), true},
	"DateLessThan":              {date(func(order int) bool { return order < 0 }), false},
	"DateLessThanEquals":        {date(func(order int) bool { return order <= 0 }), false},
	"DateGreaterThan":           {date(func(order int) bool { return order > 0 }), false},
	"DateGreaterThanEquals":     {date(func(order int) bool { return order >= 0 }), false},
	"Bool":                      {boolean, false},
	"BinaryEquals":              {binary, false},
	"IpAddress":                 {ipAddress, false},
	"NotIpAddress":              {ipAddress, true},
	"ArnEquals":                 {arnLike, false},
	"ArnLike":                   {arnLike, false},
	"ArnNotEquals":              {arnLike, true},
	"ArnNotLike":                {arnLike, true},
}

func stringEquals(value string, variables bool) (matcher, error) {
	t := newText(value, variables)
	return func(q *request, v string) bool {
		want, ok := t.value(q)
		return ok && v == want
	}, nil
}

func stringEqualsFold(value string, variables bool) (matcher, error) {
	t := newText(value, variables)
	return func(q *request, v string) bool {
		want, ok := t.value(q)
		return ok && strings.EqualFold(v, want)
	}, nil
}

func stringLike(value string, variables bool) (matcher, error) {
	t := newText(value, variables)
	return func(q *request, v string) bool {
		want, ok := t.pattern(q)
		return ok && awsname.MatchEscaped(want, v)
	}, nil
}

// numeric returns the compile function of an operator on numbers.
func numeric(holds func(request, policy float64) bool) func(string, bool) (matcher, error) {
	return func(value string, _ bool) (matcher, error) {
		want, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("value %q is not a number", value)
		}
		return func(_ *request, v string) bool {
			got, err := strconv.ParseFloat(v, 64)
			return err == nil && holds(got, want)
		}, nil
	}
}

// date returns the compile function of an operator on times. order compares the
// time of the request with that of the policy.
func date(holds func(order int) bool) func(string, bool) (matcher, error) {
	return func(value string, _ bool) (matcher, error) {
		want, ok := parseTime(value)
		if !ok {
			return nil, fmt.Errorf("value %q is not a date in ISO 8601 or in seconds since 1970", value)
		}
		return func(_ *request, v string) bool {
			got, ok := parseTime(v)
			return ok && holds(got.Compare(want))
		}, nil
	}
}

// parseTime parses a time in a format of the W3C note "Date and Time Formats",
// a profile of ISO 8601, or in seconds since 1970.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05",
		"2006-01-02", "2006-01"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

func boolean(value string, variables bool) (matcher, error) {
	want, err := parseBool(value)
	if err != nil {
		return nil, err
	}
	return func(_ *request, v string) bool {
		got, err := parseBool(v)
		return err == nil && got == want
	}, nil
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("value %q is not true or false", s)
}

// binary compares bytes. Policy and request both have them in base64.
func binary(value string, _ bool) (matcher, error) {
	want, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("value %q is not in base64", value)
	}
	return func(_ *request, v string) bool {
		got, err := base64.StdEncoding.DecodeString(v)
		return err == nil && bytes.Equal(got, want)
	}, nil
}

// ipAddress matches an address or a range of addresses (RFC 4632).
func ipAddress(value string, _ bool) (matcher, error) {
	want, err := netip.ParsePrefix(value)
	if err != nil {
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return nil, fmt.Errorf("value %q is not an address or a range of addresses", value)
		}
		want = netip.PrefixFrom(addr, addr.BitLen())
	}
	return func(_ *request, v string) bool {
		got, err := netip.ParseAddr(v)
		return err == nil && want.Contains(got.Unmap())
	}, nil
}

// arnLike matches each of the six parts of an ARN on its own, so a * does not
// match a colon between parts. ArnEquals does the same (IAM user guide).
func arnLike(value string, variables bool) (matcher, error) {
	t := newText(value, variables)
	return func(q *request, v string) bool {
		pattern, ok := t.pattern(q)
		if !ok {
			return false
		}
		want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(v, ":", 6)
		if len(want) != len(got) {
			return pattern == "*"
		}
		for i := range want {
			if !awsname.MatchEscaped(want[i], got[i]) {
				return false
			}
		}
		return true
	}, nil
}
