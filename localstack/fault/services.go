package fault

import (
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// The services ask the injector through these adapters. While no fault is on, a
// question costs one atomic load.

// Lambda returns the faults for the Lambda service.
func (in *Injector) Lambda() lambda.Faults { return lambdaFaults{in} }

// DynamoDB returns the faults for the database.
func (in *Injector) DynamoDB() dynamodb.Faults { return dynamoDBFaults{in} }

// Gateway returns the faults for the gateway.
func (in *Injector) Gateway() gateway.Faults { return gatewayFaults{in} }

type lambdaFaults struct{ *Injector }

func (in lambdaFaults) Submitted(function string) (hold time.Duration, twice lambda.Strike) {
	if !in.on.Load() {
		return 0, nil
	}
	at := site{target: function}
	if r := in.strikes(LambdaHold, at); r != nil {
		hold = time.Duration(r.Delay)
	}
	return hold, in.strike(in.begin(LambdaTwice, at))
}

func (in lambdaFaults) Delivered(function string) (after time.Duration, kill lambda.Strike) {
	if !in.on.Load() {
		return 0, nil
	}
	at := site{target: function}
	if r := in.begin(LambdaKillBefore, at); r != nil {
		return 0, in.strike(r)
	}
	if r := in.begin(LambdaKillDuring, at); r != nil {
		return time.Duration(r.Delay), in.strike(r)
	}
	return 0, nil
}

func (in lambdaFaults) Answered(function string) (kill, lost bool) {
	if !in.on.Load() {
		return false, false
	}
	at := site{target: function}
	if in.strikes(LambdaLoseResponse, at) != nil {
		return true, true
	}
	return in.strikes(LambdaKillAfter, at) != nil, false
}

// strike returns the function that ends a strike of r, or nil for nil.
func (in lambdaFaults) strike(r *rule) lambda.Strike {
	if r == nil {
		return nil
	}
	return func(hit bool) { in.end(r, hit) }
}

type dynamoDBFaults struct{ *Injector }

// refusals are in the order in which they are tried.
var refusals = []struct {
	kind    Kind
	refusal dynamodb.Refusal
}{
	{DynamoDBThroughput, dynamodb.RefuseThroughput},
	{DynamoDBThrottling, dynamodb.RefuseThrottling},
	{DynamoDBConflict, dynamodb.RefuseConflict},
	{DynamoDBError, dynamodb.RefuseInternal},
}

func (in dynamoDBFaults) Before(operation string, r dynamodb.Request) dynamodb.Refusal {
	if !in.on.Load() {
		return dynamodb.RefuseNothing
	}
	at := site{target: operation, tables: r.Tables}
	for _, f := range refusals {
		if f.kind == DynamoDBConflict && !dynamodb.CanConflict(operation) {
			continue
		}
		if in.strikes(f.kind, at) != nil {
			return f.refusal
		}
	}
	return dynamodb.RefuseNothing
}

func (in dynamoDBFaults) After(operation string, r dynamodb.Request) dynamodb.LostAnswer {
	if !in.on.Load() {
		return dynamodb.LostAnswer{}
	}
	at := site{target: operation, tables: r.Tables}
	if f := in.strikes(DynamoDBLoseAnswer, at); f != nil {
		return dynamodb.LostAnswer{Lost: true, Delay: time.Duration(f.Delay)}
	}
	if f := in.strikes(DynamoDBLateError, at); f != nil {
		return dynamodb.LostAnswer{Lost: true, Internal: true, Delay: time.Duration(f.Delay)}
	}
	return dynamodb.LostAnswer{}
}

type gatewayFaults struct{ *Injector }

func (in gatewayFaults) Post(connectionID string) (f gateway.PostFault) {
	if !in.on.Load() {
		return f
	}
	at := site{target: connectionID}
	if r := in.strikes(GatewayDelay, at); r != nil {
		f.Delay = time.Duration(r.Delay)
	}
	switch {
	case in.strikes(GatewayDrop, at) != nil:
		f.Drop = true
	case in.strikes(GatewayLimit, at) != nil:
		f.Status = http.StatusTooManyRequests
	case in.strikes(GatewayGone, at) != nil:
		f.Status = http.StatusGone
	}
	return f
}
