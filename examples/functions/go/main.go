// Package main is a function whose structured log lines become lines in Loki.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context) (string, error) {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		logger = logger.With("requestId", invocation.AwsRequestID)
	}
	logger.Info("hello", "function", lambdacontext.FunctionName)
	logger.Warn("stock is low")
	return "ok", nil
}

func main() {
	lambda.Start(handle)
}
