// Command deliver is the Lambda function that sendMessage hands chunks of large
// rooms to.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Deliver) }
