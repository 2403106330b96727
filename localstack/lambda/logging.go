package lambda

import (
	"cmp"
	"encoding/json"
	"time"
)

// Logging is a function's LoggingConfig. The levels are for JSON only.
type Logging struct {
	// JSON makes the lines that Lambda adds JSON; the functions' own lines are
	// as the functions write them.
	JSON bool
	// Group is the name of the log group that the function sees;
	// /aws/lambda/NAME if empty.
	Group string
	// ApplicationLevel is the level that the function sees: TRACE, DEBUG, INFO,
	// WARN, ERROR or FATAL; INFO if empty. The function filters its own lines.
	ApplicationLevel string
	// SystemLevel is the least level of the lines that Lambda adds: DEBUG, INFO
	// or WARN; INFO if empty.
	SystemLevel string
}

func (fn *Function) logGroup() string { return cmp.Or(fn.Logging.Group, "/aws/lambda/"+fn.Name) }

func (fn *Function) logFormat() string {
	if fn.Logging.JSON {
		return "JSON"
	}
	return "Text"
}

// platformRecord is the record of a platform event (LDG "Lambda Telemetry API
// Event schema reference"). Members that an event does not have are empty.
type platformRecord struct {
	RequestID          string           `json:"requestId,omitempty"`
	Version            string           `json:"version,omitempty"`
	InitializationType string           `json:"initializationType,omitempty"`
	Phase              string           `json:"phase,omitempty"`
	Metrics            *platformMetrics `json:"metrics,omitempty"`
	Status             string           `json:"status,omitempty"`
	ErrorType          string           `json:"errorType,omitempty"`
}

type platformMetrics struct {
	Duration     float64 `json:"durationMs"`
	Billed       float64 `json:"billedDurationMs,omitempty"`
	MemorySize   int     `json:"memorySizeMB,omitempty"`
	MemoryUsed   int64   `json:"maxMemoryUsedMB,omitempty"`
	InitDuration float64 `json:"initDurationMs,omitempty"`
}

// platform writes a line of Lambda's in JSON, unless the level is below the
// function's. The caller holds c.mu.
func (c *collector) platform(inv *invocation, kind, level string, record platformRecord) {
	rank := map[string]int{"DEBUG": 0, "INFO": 1, "WARN": 2}
	if rank[level] < rank[cmp.Or(c.fn.Logging.SystemLevel, "INFO")] {
		return
	}
	line, _ := json.Marshal(struct { // cannot fail: strings and finite numbers
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record platformRecord `json:"record"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), kind, record})
	c.write(inv, string(line))
}

// reportJSON is report for the log format JSON.
func (c *collector) reportJSON(inv *invocation, memory int64) {
	o := inv.outcome
	status, level := platformStatus(o)
	c.platform(inv, "platform.report", level, platformRecord{
		RequestID: inv.id,
		Metrics: &platformMetrics{
			Duration:     round(milliseconds(inv.used)),
			Billed:       inv.billed(),
			MemorySize:   c.fn.MemoryMB,
			MemoryUsed:   megabytes(memory),
			InitDuration: round(milliseconds(inv.initDuration)),
		},
		Status:    status,
		ErrorType: cmp.Or(o.reported, o.errorType),
	})
}

// initFailedJSON is initFailed for the log format JSON.
func (c *collector) initFailedJSON(took time.Duration, phase string, o *outcome) {
	status, level := platformStatus(o)
	c.platform(c.inv, "platform.initReport", level, platformRecord{
		InitializationType: "on-demand",
		Phase:              phase,
		Metrics:            &platformMetrics{Duration: round(milliseconds(took))},
		Status:             status,
		ErrorType:          o.errorType,
	})
}

// platformStatus returns the status and the level of a report (LDG "System log
// level event mapping").
func platformStatus(o *outcome) (status, level string) {
	switch {
	case o.timedOut:
		return "timeout", "WARN"
	case o.crash != "" || o.err != nil:
		return "error", "WARN"
	}
	return "success", "INFO"
}

// round keeps three digits after the point.
func round(ms float64) float64 { return float64(int64(ms*1000+0.5)) / 1000 }

// megabytes rounds a number of bytes up.
func megabytes(n int64) int64 { return (n + 1<<20 - 1) >> 20 }
