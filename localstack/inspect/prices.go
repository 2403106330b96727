package inspect

// Prices are what AWS charges, in US dollars, without free tiers, volume
// discounts and taxes.
type Prices struct {
	// Date and Region are when and where the prices were published.
	Date, Region string
	// Message is for one message of up to 32 KB in either direction, posts
	// included; a larger one counts once for each 32 KB begun.
	Message float64
	// ConnectionMinute is for one minute of one open connection.
	ConnectionMinute float64
	// Invocation is for one invocation of a function.
	Invocation float64
	// GBSecondArm and GBSecondX86 are for 1 GB of function memory for a second,
	// initialization included.
	GBSecondArm, GBSecondX86 float64
	// ReadUnit and WriteUnit are for one on-demand request unit.
	ReadUnit, WriteUnit float64
	// StreamRead is for one GetRecords call from outside Lambda's own polling,
	// which is free.
	StreamRead float64
	// KeyRequest is for one request to KMS with a symmetric key.
	KeyRequest float64
}

// ListPrices are the published prices of the first tier in us-east-1: the
// pricing pages of API Gateway (WebSocket APIs), Lambda, DynamoDB (on-demand,
// standard table class) and KMS. Monthly prices (storage, keys) are not in a
// run's bill.
var ListPrices = Prices{
	Date:             "2026-11-01",
	Region:           "us-east-1",
	Message:          1.00 / 1e6,
	ConnectionMinute: 0.25 / 1e6,
	Invocation:       0.20 / 1e6,
	GBSecondArm:      0.0000133334,
	GBSecondX86:      0.0000166667,
	ReadUnit:         0.125 / 1e6,
	WriteUnit:        0.625 / 1e6,
	StreamRead:       0.02 / 1e5,
	KeyRequest:       0.03 / 1e4,
}

// meter is the size that API Gateway counts as one message, in bytes.
const meter = 32 << 10
