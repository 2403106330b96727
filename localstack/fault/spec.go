package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads the one-line form of a fault:
// KIND[:TARGET][,table=NAME][,probability=0..1][,count=N][,delay=DURATION].
// It checks the form only; [Injector.Add] checks the values.
func Parse(spec string) (Fault, error) {
	head, rest, more := strings.Cut(spec, ",")
	kind, target, given := strings.Cut(head, ":")
	f := Fault{Kind: Kind(kind), Target: all, Probability: 1}
	if given {
		f.Target = target
	}
	if !more {
		return f, nil
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "table":
			f.Table = value
		case "probability":
			f.Probability, err = strconv.ParseFloat(value, 64)
		case "count":
			f.Count, err = strconv.ParseUint(value, 10, 64)
		case "delay":
			err = f.Delay.UnmarshalText([]byte(value))
		default:
			return Fault{}, fmt.Errorf("fault %q: unknown part %q; the parts are table=, probability=, count= and delay=", spec, part)
		}
		if err != nil {
			return Fault{}, fmt.Errorf("fault %q: %s: %w", spec, name, err)
		}
	}
	return f, nil
}

// String returns the form that Parse reads, without parts that have their
// default.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	if f.Target != all {
		b.WriteString(":" + f.Target)
	}
	if f.Table != "" {
		b.WriteString(",table=" + f.Table)
	}
	if f.Probability != 1 {
		b.WriteString(",probability=" + strconv.FormatFloat(f.Probability, 'g', -1, 64))
	}
	if f.Count != 0 {
		b.WriteString(",count=" + strconv.FormatUint(f.Count, 10))
	}
	if f.Delay != 0 {
		b.WriteString(",delay=" + f.Delay.String())
	}
	return b.String()
}
