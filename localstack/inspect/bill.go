package inspect

import (
	"math"
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// usage is what AWS would have charged for since the start.
type usage struct {
	since                   time.Time
	messagesIn              float64 // in steps of 32 KB
	messagesOut             float64
	connected               time.Duration        // of connections that have ended
	open                    map[string]time.Time // when each open connection was opened, by id
	invocations             float64
	gbSecondsArm, gbSeconds float64
	readUnits, writeUnits   float64
	streamReads             float64
	keyRequests             float64
}

// add counts one event. arm reports whether a function runs on arm64 on AWS.
func (u *usage) add(e trace.Event, arm func(function string) bool) {
	switch e.Kind {
	case trace.Message:
		u.messagesIn += messages(e.Bytes)
	case trace.Sent:
		u.messagesOut += messages(e.Bytes)
	case trace.Connect:
		if e.Status == http.StatusSwitchingProtocols {
			u.open[e.ConnectionID] = e.At.Add(e.Duration)
		}
	case trace.Disconnect:
		if since, ok := u.open[e.ConnectionID]; ok {
			u.connected += e.At.Sub(since)
			delete(u.open, e.ConnectionID)
		}
	case trace.Invoke:
		u.invocations++
		// Billed in whole milliseconds, initialization included.
		ms := math.Ceil(float64(e.Duration+e.Init) / float64(time.Millisecond))
		gbs := ms / 1000 * float64(e.MemoryMB) / 1024
		if arm != nil && arm(e.Function) {
			u.gbSecondsArm += gbs
		} else {
			u.gbSeconds += gbs
		}
	case trace.Request:
		u.readUnits += e.ReadUnits
		u.writeUnits += e.WriteUnits
		switch {
		case e.Operation == "GetRecords":
			u.streamReads++
		case keyOperations[e.Operation]:
			u.keyRequests++
		}
	}
}

// messages returns how many messages AWS counts for one of that size.
func messages(bytes int) float64 {
	return max(1, math.Ceil(float64(bytes)/meter))
}

// keyOperations are the cryptographic operations that the bill counts. Others
// also cost money but are rare.
var keyOperations = map[string]bool{
	"Encrypt": true, "Decrypt": true, "ReEncrypt": true, "GenerateDataKey": true,
	"GenerateDataKeyWithoutPlaintext": true,
	"GenerateDataKeyPair":             true, "Sign": true, "Verify": true, "GenerateMac": true, "VerifyMac": true,
	"GenerateRandom": true,
}

// Bill is the cost that a run would have had on AWS.
type Bill struct {
	Since, Until time.Time
	// PricesOf is the date of the price list, Region its region.
	PricesOf, Region string
	Lines            []BillLine
	// Total is the sum of the lines in US dollars.
	Total float64
}

// BillLine is one item that AWS charges for.
type BillLine struct {
	Service, Item string
	// Quantity in units of Unit; Price of one, and Cost, in US dollars.
	Quantity    float64
	Unit        string
	Price, Cost float64
}

// Bill returns the cost of the run so far.
func (in *Inspector) Bill() Bill {
	now := in.opts.Now()
	in.mu.Lock()
	u := in.usage
	connected := u.connected
	for _, since := range u.open {
		connected += now.Sub(since)
	}
	in.mu.Unlock()
	p := in.opts.Prices
	bill := Bill{Since: u.since, Until: now, PricesOf: p.Date, Region: p.Region}
	for _, l := range []BillLine{
		{
			Service:  "API Gateway",
			Item:     "messages from clients",
			Quantity: u.messagesIn,
			Unit:     "32 KB",
			Price:    p.Message,
		},
		{Service: "API Gateway", Item: "messages to clients", Quantity: u.messagesOut, Unit: "32 KB", Price: p.Message},
		{
			Service:  "API Gateway",
			Item:     "connection minutes",
			Quantity: connected.Minutes(),
			Unit:     "minute",
			Price:    p.ConnectionMinute,
		},
		{Service: "Lambda", Item: "invocations", Quantity: u.invocations, Unit: "invocation", Price: p.Invocation},
		{Service: "Lambda", Item: "duration, arm64", Quantity: u.gbSecondsArm, Unit: "GB-second", Price: p.GBSecondArm},
		{Service: "Lambda", Item: "duration, x86_64", Quantity: u.gbSeconds, Unit: "GB-second", Price: p.GBSecondX86},
		{Service: "DynamoDB", Item: "reads", Quantity: u.readUnits, Unit: "read unit", Price: p.ReadUnit},
		{Service: "DynamoDB", Item: "writes", Quantity: u.writeUnits, Unit: "write unit", Price: p.WriteUnit},
		{Service: "DynamoDB", Item: "stream reads", Quantity: u.streamReads, Unit: "GetRecords", Price: p.StreamRead},
		{Service: "KMS", Item: "requests", Quantity: u.keyRequests, Unit: "request", Price: p.KeyRequest},
	} {
		if l.Quantity == 0 {
			continue
		}
		l.Cost = l.Quantity * l.Price
		bill.Total += l.Cost
		bill.Lines = append(bill.Lines, l)
	}
	return bill
}
