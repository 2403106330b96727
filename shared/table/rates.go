package table

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/room"
)

// spendAttempts bounds how often Spend tries again after the row has changed
// between an idle and a busy bucket.
const spendAttempts = 4

// ratesSlack is how much longer than its buckets need a rate's row is kept. An
// absent row has full buckets.
const ratesSlack = time.Hour

// Spend implements room.Rates. An update expression cannot say "the later of
// two times". So the write of an idle bucket sets the time and requires that it
// has passed, and that of a busy one adds to it and requires that it has not.
// The first attempt takes all buckets for idle; each failure returns the row.
func (s *Store) Spend(ctx context.Context, rate room.Rate, now time.Time, draws ...room.Draw) ([]time.Time, error) {
	var row item
	for range spendAttempts {
		in, taken, err := s.spendUpdate(rate, row, now, draws)
		if err != nil {
			return nil, err
		}
		out, err := s.db.UpdateItem(ctx, in)
		if err == nil {
			full := make([]time.Time, len(draws))
			for i, draw := range draws {
				if taken[i] {
					full[i] = moment(out.Attributes, draw.Bucket)
				}
			}
			return full, nil
		}
		var failed bool
		if row, failed = failedItem(err); !failed {
			return nil, outcome(err)
		}
	}
	return nil, room.ErrBusy
}

// spendUpdate returns the write for a row that was read before, and which of
// the draws it takes. Error: room.ErrThrottled.
func (s *Store) spendUpdate(rate room.Rate, row item, now time.Time, draws []room.Draw) (in *dynamodb.UpdateItemInput,
	taken []bool, err error) {
	keep := ratesSlack
	values := item{":now": millis(now)}
	attributes := []string{"expires"}
	sets := []string{"#expires = :expires"}
	var conditions []string
	taken = make([]bool, len(draws))
	for i, draw := range draws {
		full := moment(row, draw.Bucket)
		idle := !full.After(now)
		if idle {
			full = now
		}
		limit := now.Add(draw.Most - draw.Cost)
		if full.After(limit) {
			if draw.Optional {
				continue
			}
			return nil, nil, room.ErrThrottled
		}
		taken[i] = true
		keep = max(keep, draw.Most+ratesSlack)
		attributes = append(attributes, draw.Bucket)
		name, cost := "#"+draw.Bucket, ":cost"+draw.Bucket
		if idle {
			values[cost] = millis(now.Add(draw.Cost))
			sets = append(sets, name+" = "+cost)
			conditions = append(conditions, "(attribute_not_exists("+name+") OR "+name+" <= :now)")
			continue
		}
		values[cost], values[":limit"+draw.Bucket] = num(draw.Cost.Milliseconds()), millis(limit)
		sets = append(sets, name+" = "+name+" + "+cost)
		conditions = append(conditions, name+" > :now AND "+name+" <= :limit"+draw.Bucket)
	}
	if len(conditions) == 0 {
		delete(values, ":now")
	}
	values[":expires"] = expiry(now.Add(keep))
	in = &dynamodb.UpdateItemInput{
		TableName:                           &s.names.Rates,
		Key:                                 item{"rate": str(rate)},
		UpdateExpression:                    aws.String("SET " + strings.Join(sets, ", ")),
		ExpressionAttributeNames:            names(attributes...),
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(conditions, " AND "))
	}
	return in, taken, nil
}
