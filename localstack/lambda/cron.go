package lambda

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is an EventBridge cron expression: minutes, hours, day of month, month,
// day of week, year (EventBridge user guide, "Cron expressions").
type cron struct {
	minutes, hours, months, years []int // sorted
	day                           func(day time.Time) bool
	location                      *time.Location
}

// field is the range of one field and the names its values may have.
type field struct {
	name     string
	min, max int
	names    []string // names of min, min+1, …
}

var (
	minuteField = field{name: "minutes", min: 0, max: 59}
	hourField   = field{name: "hours", min: 0, max: 23}
	dayField    = field{name: "day of month", min: 1, max: 31}
	monthField  = field{
		name:  "month",
		min:   1,
		max:   12,
		names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
	}
	weekdayField = field{name: "day of week", min: 1, max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	yearField    = field{name: "year", min: 1970, max: 2199}
)

func parseCron(text string, location *time.Location) (*cron, error) {
	parts := strings.Fields(strings.ToUpper(text))
	if len(parts) != 6 {
		return nil, fmt.Errorf("cron has %d fields, want six: minutes, hours, day of month, month, day of week, year",
			len(parts))
	}
	c := &cron{location: location}
	var err error
	for _, f := range []struct {
		field field
		text  string
		into  *[]int
	}{
		{minuteField, parts[0], &c.minutes},
		{hourField, parts[1], &c.hours},
		{monthField, parts[3], &c.months},
		{yearField, parts[5], &c.years},
	} {
		if *f.into, err = f.field.parse(f.text); err != nil {
			return nil, err
		}
	}
	dayOfMonth, dayOfWeek := parts[2], parts[4]
	switch {
	case (dayOfMonth == "?") == (dayOfWeek == "?"):
		return nil, errors.New("exactly one of day of month and day of week must be ?")
	case dayOfWeek == "?":
		c.day, err = parseDayOfMonth(dayOfMonth)
	default:
		c.day, err = parseDayOfWeek(dayOfWeek)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// next searches day by day. A local time that does not exist, because clocks go
// forward, is skipped. One that exists twice occurs once.
func (c *cron) next(after time.Time) (time.Time, bool) {
	after = after.In(c.location)
	year, month, d := after.Date()
	// Every day has a noon; not every day has a midnight.
	for day := time.Date(year, month, d, 12, 0, 0, 0,
		c.location); day.Year() <= yearField.max; day = day.AddDate(0, 0, 1) {
		if !slices.Contains(c.years, day.Year()) || !slices.Contains(c.months, int(day.Month())) || !c.day(day) {
			continue
		}
		for _, hour := range c.hours {
			for _, minute := range c.minutes {
				t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, c.location)
				if t.After(after) && t.Hour() == hour && t.Minute() == minute {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}

// parse returns the values of a list of values, ranges and steps: "0/15",
// "MON-FRI", "20-2", "1,3", "*".
func (f field) parse(text string) ([]int, error) {
	var values []int
	for item := range strings.SplitSeq(text, ",") {
		from, to, step := f.min, f.max, 1
		span, stepText, stepped := strings.Cut(item, "/")
		var err error
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%s: step %q is not a positive number", f.name, stepText)
			}
		}
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			if from, err = f.value(first); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if to, err = f.value(last); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if from > to && f.name == yearField.name {
			return nil, fmt.Errorf("%s: range %q is empty", f.name, span)
		}
		if from > to { // wraps around, such as the hours 20-2 or the days FRI-MON
			to += f.max - f.min + 1
		}
		for v := from; v <= to; v += step {
			values = append(values, f.min+(v-f.min)%(f.max-f.min+1))
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// value parses one value, a number or a name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%s: %q is not between %d and %d", f.name, text, f.min, f.max)
	}
	return n, nil
}

// parseDayOfMonth parses a list or one of L, the last day; 15W, the weekday
// nearest to the 15th in its month; LW, the last weekday.
func parseDayOfMonth(text string) (func(time.Time) bool, error) {
	switch {
	case text == "L":
		return func(day time.Time) bool { return day.Day() == lastDay(day) }, nil
	case text == "LW":
		return func(day time.Time) bool { return day.Day() == nearestWeekday(day, lastDay(day)) }, nil
	case strings.HasSuffix(text, "W"):
		n, err := dayField.value(strings.TrimSuffix(text, "W"))
		if err != nil {
			return nil, err
		}
		return func(day time.Time) bool {
			return n <= lastDay(day) && day.Day() == nearestWeekday(day, n)
		}, nil
	}
	days, err := dayField.parse(text)
	if err != nil {
		return nil, err
	}
	return func(day time.Time) bool { return slices.Contains(days, day.Day()) }, nil
}

// parseDayOfWeek parses a list or one of L, Saturday; 6L, the last Friday of
// the month; 3#2, its second Tuesday.
func parseDayOfWeek(text string) (func(time.Time) bool, error) {
	if text == "L" {
		text = "7"
	}
	if name, ok := strings.CutSuffix(text, "L"); ok {
		n, err := weekdayField.value(name)
		if err != nil {
			return nil, err
		}
		return func(day time.Time) bool { return weekday(day) == n && day.Day()+7 > lastDay(day) }, nil
	}
	if name, nth, ok := strings.Cut(text, "#"); ok {
		n, err := weekdayField.value(name)
		if err != nil {
			return nil, err
		}
		k, err := field{name: "week of month", min: 1, max: 5}.value(nth)
		if err != nil {
			return nil, err
		}
		return func(day time.Time) bool { return weekday(day) == n && (day.Day()-1)/7+1 == k }, nil
	}
	days, err := weekdayField.parse(text)
	if err != nil {
		return nil, err
	}
	return func(day time.Time) bool { return slices.Contains(days, weekday(day)) }, nil
}

// weekday returns 1 for Sunday to 7 for Saturday.
func weekday(day time.Time) int { return int(day.Weekday()) + 1 }

// lastDay returns the number of days of the month.
func lastDay(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday returns the weekday nearest to the nth day, within the month.
func nearestWeekday(day time.Time, n int) int {
	last := lastDay(day)
	switch time.Date(day.Year(), day.Month(), n, 12, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}
