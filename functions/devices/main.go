// Command devices is the Lambda function of the route devices.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Devices.Handler) }
