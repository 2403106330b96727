package fault

import (
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// What each service asks, answered by an injector. While no fault is on, an
// answer costs one atomic load.

// Lambda answers the Lambda service.
func (in *Injector) Lambda() lambda.Faults { return lambdaFaults{in} }

// DynamoDB answers the database.
func (in *Injector) DynamoDB() dynamodb.Faults { return dynamoDBFaults{in} }

// Gateway answers the gateway.
func (in *Injector) Gateway() gateway.Faults { return gatewayFaults{in} }

type lambdaFaults struct{ *Injector }

func (in lambdaFaults) Submitted(function string) (hold time.Duration, twice lambda.Strike) {
	if !in.on.Load() {
		return 0, nil
	}
	if r := in.strikes(LambdaHold, function, dynamodb.Request{}); r != nil {
		hold = time.Duration(r.Delay)
	}
	return hold, in.strike(in.begin(LambdaTwice, function, dynamodb.Request{}))
}

func (in lambdaFaults) Delivered(function string) (after time.Duration, kill lambda.Strike) {
	if !in.on.Load() {
		return 0, nil
	}
	if r := in.begin(LambdaKillBefore, function, dynamodb.Request{}); r != nil {
		return 0, in.strike(r)
	}
	if r := in.begin(LambdaKillDuring, function, dynamodb.Request{}); r != nil {
		return time.Duration(r.Delay), in.strike(r)
	}
	return 0, nil
}

func (in lambdaFaults) Answered(function string) (kill, lost bool) {
	if !in.on.Load() {
		return false, false
	}
	if in.strikes(LambdaLoseResponse, function, dynamodb.Request{}) != nil {
		return true, true
	}
	return in.strikes(LambdaKillAfter, function, dynamodb.Request{}) != nil, false
}

// strike is the end of what begin began.
func (in lambdaFaults) strike(r *rule) lambda.Strike {
	if r == nil {
		return nil
	}
	return func(hit bool) { in.end(r, hit) }
}

type dynamoDBFaults struct{ *Injector }

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
		return dynamodb.RefuseNot
	}
	for _, f := range refusals {
		if f.kind == DynamoDBConflict && !dynamodb.CanConflict(operation) {
			continue
		}
		if in.strikes(f.kind, operation, r) != nil {
			return f.refusal
		}
	}
	return dynamodb.RefuseNot
}

func (in dynamoDBFaults) After(operation string, r dynamodb.Request) dynamodb.LostAnswer {
	if !in.on.Load() {
		return dynamodb.LostAnswer{}
	}
	if f := in.strikes(DynamoDBLoseAnswer, operation, r); f != nil {
		return dynamodb.LostAnswer{Lost: true, Delay: time.Duration(f.Delay)}
	}
	if f := in.strikes(DynamoDBLateError, operation, r); f != nil {
		return dynamodb.LostAnswer{Lost: true, Internal: true, Delay: time.Duration(f.Delay)}
	}
	return dynamodb.LostAnswer{}
}

type gatewayFaults struct{ *Injector }

func (in gatewayFaults) Post(connectionID string) (f gateway.PostFault) {
	if !in.on.Load() {
		return f
	}
	if r := in.strikes(GatewayDelay, connectionID, dynamodb.Request{}); r != nil {
		f.Delay = time.Duration(r.Delay)
	}
	switch {
	case in.strikes(GatewayDrop, connectionID, dynamodb.Request{}) != nil:
		f.Drop = true
	case in.strikes(GatewayLimit, connectionID, dynamodb.Request{}) != nil:
		f.Status = http.StatusTooManyRequests
	case in.strikes(GatewayGone, connectionID, dynamodb.Request{}) != nil:
		f.Status = http.StatusGone
	}
	return f
}
