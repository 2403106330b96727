package lambda

import (
	"strings"
	"testing"
	"time"
)

func TestExpressions(t *testing.T) {
	const layout = "2006-01-02T15:04:05"
	for _, test := range []struct {
		expression, zone, after string
		want                    []string
	}{
		{"rate(1 minute)", "", "2026-11-22T10:00:30", []string{"2026-11-22T10:01:30", "2026-11-22T10:02:30"}},
		{"rate(5 hours)", "", "2026-11-22T22:00:00", []string{"2026-11-23T03:00:00"}},
		{"rate(7 days)", "", "2026-11-22T00:00:00", []string{"2026-11-29T00:00:00"}},
		{"at(2026-12-24T18:00:00)", "", "2026-11-22T10:00:00", []string{"2026-12-24T18:00:00", ""}},
		{"at(2026-12-24T18:00:00)", "Europe/Berlin", "2026-11-22T10:00:00", []string{"2026-12-24T17:00:00", ""}},
		// The examples of the EventBridge user guide.
		{"cron(0 10 * * ? *)", "", "2026-11-22T10:00:00", []string{"2026-11-23T10:00:00", "2026-11-24T10:00:00"}},
		{"cron(15 12 * * ? *)", "", "2026-11-22T10:00:00", []string{"2026-11-22T12:15:00"}},
		{"cron(0 18 ? * MON-FRI *)", "", "2026-11-20T18:00:00", []string{"2026-11-23T18:00:00", "2026-11-24T18:00:00"}},
		{"cron(0 8 1 * ? *)", "", "2026-11-22T10:00:00", []string{"2026-12-01T08:00:00", "2027-01-01T08:00:00"}},
		{"cron(0/15 * * * ? *)", "", "2026-11-22T23:45:00", []string{"2026-11-23T00:00:00", "2026-11-23T00:15:00"}},
		{"cron(0/10 * ? * MON-FRI *)", "", "2026-11-20T23:55:00", []string{"2026-11-23T00:00:00"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "", "2026-11-20T17:54:59",
			[]string{"2026-11-20T17:55:00", "2026-11-23T08:00:00"}},
		{"cron(0/30 20-2 ? * MON-FRI *)", "", "2026-11-23T02:30:00",
			[]string{"2026-11-23T20:00:00", "2026-11-23T20:30:00"}},
		{"cron(0/30 20-2 ? * MON-FRI *)", "", "2026-11-23T23:30:00", []string{"2026-11-24T00:00:00"}},
		{"cron(0 1 ? * FRI-MON *)", "", "2026-11-23T01:00:00",
			[]string{"2026-11-27T01:00:00", "2026-11-28T01:00:00", "2026-11-29T01:00:00"}},
		{"cron(50-10/10 0 1 1 ? 2027)", "", "2026-11-23T00:00:00",
			[]string{"2027-01-01T00:00:00", "2027-01-01T00:10:00", "2027-01-01T00:50:00"}},
		// The wildcards.
		{"cron(0 0 L * ? *)", "", "2028-02-01T00:00:00", []string{"2028-02-29T00:00:00", "2028-03-31T00:00:00"}},
		{"cron(0 0 3W * ? *)", "", "2026-09-30T00:00:00", []string{"2026-10-02T00:00:00", "2026-11-03T00:00:00"}},
		{"cron(0 0 1W * ? *)", "", "2026-07-31T00:00:00", []string{"2026-08-03T00:00:00"}},
		{"cron(0 0 31W * ? *)", "", "2026-05-01T00:00:00", []string{"2026-05-29T00:00:00", "2026-07-31T00:00:00"}},
		{"cron(0 0 LW * ? *)", "", "2026-10-01T00:00:00", []string{"2026-10-30T00:00:00", "2026-11-30T00:00:00"}},
		{"cron(0 0 ? * 3#2 *)", "", "2026-11-22T00:00:00", []string{"2026-12-08T00:00:00"}},
		{"cron(0 0 ? * FRI#5 *)", "", "2026-11-01T00:00:00", []string{"2027-01-29T00:00:00"}},
		{"cron(0 0 ? * 6L *)", "", "2026-11-01T00:00:00", []string{"2026-11-27T00:00:00", "2026-12-25T00:00:00"}},
		{"cron(0 0 ? * L *)", "", "2026-11-22T00:00:00", []string{"2026-11-28T00:00:00"}},
		{"cron(0 0 ? * 1 *)", "", "2026-11-22T00:00:00", []string{"2026-11-29T00:00:00"}},
		{"cron(1,3 5 7 jan,MAR ? 2027-2028)", "", "2027-01-07T05:01:00",
			[]string{"2027-01-07T05:03:00", "2027-03-07T05:01:00", "2027-03-07T05:03:00", "2028-01-07T05:01:00"}},
		{"cron(0 0 29 2 ? 2024/4)", "", "2026-01-01T00:00:00", []string{"2028-02-29T00:00:00", "2032-02-29T00:00:00"}},
		{"cron(0 0 30 2 ? *)", "", "2026-01-01T00:00:00", []string{""}},
		{"cron(0 0 1 1 ? 2025)", "", "2026-01-01T00:00:00", []string{""}},
		// Clocks go forward on 2027-03-28 and back on 2026-10-25.
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2027-03-27T12:00:00", []string{"2027-03-29T00:30:00"}},
		{"cron(30 2 25 10 ? 2026)", "Europe/Berlin", "2026-10-24T12:00:00", []string{"2026-10-25T01:30:00", ""}},
	} {
		trigger, err := parseSchedule(test.expression, test.zone)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		at, err := time.Parse(layout, test.after)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			next, ok := trigger.next(at)
			got := ""
			if ok {
				got = next.UTC().Format(layout)
			}
			if got != want {
				t.Errorf("%s %s after %s: got %q, want %q", test.expression, test.zone, at.Format(layout), got, want)
				break
			}
			at = next
		}
	}
}

func TestInvalidExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"":                          "is not rate(…), cron(…) or at(…)",
		"every day":                 "is not rate(…), cron(…) or at(…)",
		"rate(0 minutes)":           `"0" is not a positive number`,
		"rate(5 minute)":            "do not agree in number",
		"rate(1 hours)":             "do not agree in number",
		"rate(10 seconds)":          `unit "seconds" is not minute`,
		"at(tomorrow)":              "cannot parse",
		"cron(* * * * *)":           "5 fields, want six",
		"cron(0 0 * * * *)":         "exactly one of day of month and day of week must be ?",
		"cron(0 0 ? * ? *)":         "exactly one of day of month and day of week must be ?",
		"cron(60 0 * * ? *)":        `minutes: "60" is not between 0 and 59`,
		"cron(0 24 * * ? *)":        `hours: "24"`,
		"cron(0 0 32 * ? *)":        `day of month: "32"`,
		"cron(0 0 xW * ? *)":        `day of month: "X"`,
		"cron(0 0 ? FOO MON *)":     `month: "FOO"`,
		"cron(0 0 ? * 8 *)":         `day of week: "8"`,
		"cron(0 0 ? * 8L *)":        `day of week: "8"`,
		"cron(0 0 ? * MON#6 *)":     `week of month: "6"`,
		"cron(0 0 ? * XXX#1 *)":     `day of week: "XXX"`,
		"cron(0 0 * * ? 1969)":      `year: "1969"`,
		"cron(0/0 0 * * ? *)":       `step "0"`,
		"cron(0 0 * * ? 2030-2029)": `range "2030-2029" is empty`,
		"cron(0 0-99 * * ? *)":      `hours: "99"`,
		"cron(,5 0 * * ? *)":        `minutes: ""`,
	} {
		if _, err := parseSchedule(expression, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", expression, err, want)
		}
	}
	if _, err := parseSchedule("rate(1 day)", "Moon/Tycho"); err == nil {
		t.Error("parseSchedule accepted an unknown time zone, want an error")
	}
}
