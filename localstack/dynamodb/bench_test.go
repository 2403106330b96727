package dynamodb

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The benchmarks use the SDK over HTTP and items of 1 KiB, with one client and
// with eight concurrent ones.

func benchmark(b *testing.B, do func(f *fixture, i int) error) {
	f := open(b, Options{})
	f.createTable(b, "bench", "pk S, sk N", nil, nil)
	for i := range 200 {
		f.put(b, "bench", benchItem(i))
	}
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			b.ReportAllocs()
			var next atomic.Int64
			done := make(chan error, clients)
			for range clients {
				go func() {
					for {
						i := int(next.Add(1))
						if i > b.N {
							done <- nil
							return
						}
						if err := do(f, i); err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range clients {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func benchItem(i int) item {
	return item{"pk": str(fmt.Sprint("room", i%10)), "sk": num(i / 10), "body": str(long(1000))}
}

func BenchmarkPut(b *testing.B) {
	benchmark(b, func(f *fixture, i int) error {
		_, err := f.PutItem(context.Background(), &sdk.PutItemInput{TableName: aws.String("bench"), Item: benchItem(i)})
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, func(f *fixture, i int) error {
		_, err := f.GetItem(context.Background(), &sdk.GetItemInput{
			TableName: aws.String("bench"),
			Key:       item{"pk": str(fmt.Sprint("room", i%10)), "sk": num(i % 20)},
		})
		return err
	})
}

func BenchmarkQuery20(b *testing.B) {
	benchmark(b, func(f *fixture, i int) error {
		_, err := f.Query(context.Background(), &sdk.QueryInput{
			TableName:                 aws.String("bench"),
			KeyConditionExpression:    aws.String("pk = :pk"),
			ExpressionAttributeValues: item{":pk": str(fmt.Sprint("room", i%10))},
			Limit:                     aws.Int32(20),
			ScanIndexForward:          aws.Bool(false),
		})
		return err
	})
}

func BenchmarkTransactWrite(b *testing.B) {
	benchmark(b, func(f *fixture, i int) error {
		put := benchItem(i)
		_, err := f.TransactWriteItems(context.Background(),
			&sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: aws.String("bench"), Item: put}},
				{Put: &types.Put{TableName: aws.String("bench"), Item: item{"pk": str(fmt.Sprint("id", i)),
					"sk": num(0)}}},
			}})
		return err
	})
}
