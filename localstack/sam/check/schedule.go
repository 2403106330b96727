package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

var (
	rateExpression = regexp.MustCompile(`^rate\((\d{1,9}) (minute|hour|day)(s?)\)$`)
	cronExpression = regexp.MustCompile(`^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$`)
	atExpression   = regexp.MustCompile(`^at\((.*)\)$`)
)

// Expression checks a schedule (EventBridge User Guide, rate and cron
// expressions) and returns it. Only EventBridge Scheduler accepts at(…), and a
// unit that does not agree with its number; in the result it agrees.
func Expression(r *template.Report, v *template.Value, scheduler bool) string {
	if !v.Known() {
		return ""
	}
	if m := rateExpression.FindStringSubmatch(v.Text); m != nil {
		return rate(r, v, m, scheduler)
	}
	if m := cronExpression.FindStringSubmatch(v.Text); m != nil {
		if problem := cronProblem(m[1:]); problem != "" {
			r.Fail(v, template.Quote(v.Text)+" is not a schedule: "+problem,
				"write minutes, hours, day of month, month, day of week and year, such as cron(0 3 * * ? *)")
		}
		return v.Text
	}
	usage := "write rate(5 minutes) or cron(0 3 * * ? *)"
	if scheduler {
		usage = "write rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T03:00:00)"
		if isAt(v.Text) {
			return v.Text
		}
	}
	r.Fail(v, template.Quote(v.Text)+" is not a schedule", usage)
	return ""
}

// rate checks the match m of a rate expression.
func rate(r *template.Report, v *template.Value, m []string, scheduler bool) string {
	plural := "s"
	if m[1] == "1" {
		plural = ""
	}
	agreed := "rate(" + m[1] + " " + m[2] + plural + ")"
	switch {
	case strings.Trim(m[1], "0") == "":
		r.Fail(v, "a rate of zero", "use a rate of at least 1")
	case m[3] != plural && !scheduler:
		r.Fail(v, "the unit does not agree with the number", "write "+agreed)
	}
	return agreed
}

// isAt reports whether s is at(…) with a valid time.
func isAt(s string) bool {
	m := atExpression.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	_, err := time.Parse("2006-01-02T15:04:05", m[1])
	return err == nil
}

// cronField is one of the six fields of a cron expression: its range, the names
// of its values from the lowest on, and its other forms.
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

// cronProblem returns what is wrong with the fields of a cron expression, or
// "".
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

// itemProblem returns what is wrong with an item of a field, or "". An item is
// a value, a range a-b or *, each also with /step.
func (f cronField) itemProblem(item string) string {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return template.Quote(step) + " is not a step"
	}
	if span == "*" {
		return ""
	}
	last := f.min
	for end := range strings.SplitSeq(span, "-") {
		n := f.value(end)
		if n < 0 {
			return fmt.Sprintf("%s is not within %d and %d", template.Quote(end), f.min, f.max)
		}
		if n < last {
			return "the range " + template.Quote(span) + " is empty"
		}
		last = n
	}
	if strings.Count(span, "-") > 1 {
		return template.Quote(span) + " is not a range"
	}
	return ""
}

// value returns the number of a value, or -1.
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
