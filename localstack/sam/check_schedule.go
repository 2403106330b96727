package sam

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	rateExpression = regexp.MustCompile(`^rate\((\d{1,9}) (minute|hour|day)(s?)\)$`)
	cronExpression = regexp.MustCompile(`^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$`)
	atExpression   = regexp.MustCompile(`^at\((.*)\)$`)
)

// checkExpression checks a schedule (EventBridge user guide, rate and cron
// expressions) and returns it. Only the Scheduler takes at(…) and a unit that
// does not agree with its number, which the result then does.
func (l *loader) checkExpression(v *value, scheduler bool) string {
	if !v.known() {
		return ""
	}
	if m := rateExpression.FindStringSubmatch(v.text); m != nil {
		plural := map[bool]string{true: "", false: "s"}[m[1] == "1"]
		agreed := "rate(" + m[1] + " " + m[2] + plural + ")"
		switch {
		case strings.Trim(m[1], "0") == "":
			l.fail(v, "a rate of zero", "use a rate of at least 1")
		case m[3] != plural && !scheduler:
			l.fail(v, "the unit does not agree with the number", "write "+agreed)
		}
		return agreed
	}
	if m := cronExpression.FindStringSubmatch(v.text); m != nil {
		if problem := cronProblem(m[1:]); problem != "" {
			l.fail(v, quote(v.text)+" is not a schedule: "+problem,
				"write minutes, hours, day of month, month, day of week and year, such as cron(0 3 * * ? *)")
		}
		return v.text
	}
	usage := "write rate(5 minutes) or cron(0 3 * * ? *)"
	if scheduler {
		usage = "write rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T03:00:00)"
		if m := atExpression.FindStringSubmatch(v.text); m != nil {
			if _, err := time.Parse("2006-01-02T15:04:05", m[1]); err == nil {
				return v.text
			}
		}
	}
	l.fail(v, quote(v.text)+" is not a schedule", usage)
	return ""
}

// cronField is one of the six fields: its range, the names of its values from
// the lowest on, and what else it may be.
type cronField struct {
	name     string
	min, max int
	names    []string
	special  *regexp.Regexp
}

var cronFields = []cronField{
	{name: "minutes", max: 59},
	{name: "hours", max: 23},
	{name: "day of month", min: 1, max: 31, special: regexp.MustCompile(`^(\?|L|LW|([1-9]|[12][0-9]|3[01])W)$`)},
	{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{
		name:    "day of week",
		min:     1,
		max:     7,
		names:   strings.Fields("SUN MON TUE WED THU FRI SAT"),
		special: regexp.MustCompile(`^(\?|L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5]))$`),
	},
	{name: "year", min: 1970, max: 2199},
}

// cronProblem says what is wrong with the fields of a cron expression, or "".
func cronProblem(fields []string) string {
	if (fields[2] == "?") == (fields[4] == "?") {
		return "exactly one of day of month and day of week is ?"
	}
	for i, f := range cronFields {
		text := strings.ToUpper(fields[i])
		if f.special != nil && f.special.MatchString(text) {
			continue
		}
		for item := range strings.SplitSeq(text, ",") {
			if problem := f.itemProblem(item); problem != "" {
				return f.name + ": " + problem
			}
		}
	}
	return ""
}

// itemProblem checks one of: a value, a range a-b, *, and these with /step.
func (f cronField) itemProblem(item string) string {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return quote(step) + " is not a step"
	}
	if span == "*" {
		return ""
	}
	last := f.min
	for end := range strings.SplitSeq(span, "-") {
		n := f.value(end)
		if n < 0 {
			return fmt.Sprintf("%s is not within %d and %d", quote(end), f.min, f.max)
		}
		if n < last {
			return "the range " + quote(span) + " is empty"
		}
		last = n
	}
	if strings.Count(span, "-") > 1 {
		return quote(span) + " is not a range"
	}
	return ""
}

// value is the number of a value, or -1.
func (f cronField) value(text string) int {
	for i, name := range f.names {
		if name == text {
			return f.min + i
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= f.min && n <= f.max {
		return n
	}
	return -1
}
