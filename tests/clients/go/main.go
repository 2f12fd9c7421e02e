// The official client of OpenAI for Go, at the paths of v1.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	ctx := context.Background()
	client := openai.NewClient(
		option.WithBaseURL(setting("SIMULATOR_URL", "http://127.0.0.1:8000")+"/openai/v1/"),
		option.WithAPIKey(setting("SIMULATOR_API_KEY", "secret")),
		option.WithMaxRetries(0),
	)
	chat := openai.ChatCompletionNewParams{
		Model:     "gpt-4o",
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
		MaxTokens: openai.Int(5),
	}

	answer, err := client.Chat.Completions.New(ctx, chat)
	check("chat", err == nil && answer.Usage.CompletionTokens == 5, err)

	stream := client.Chat.Completions.NewStreaming(ctx, chat)
	text := ""
	for stream.Next() {
		if choices := stream.Current().Choices; len(choices) > 0 {
			text += choices[0].Delta.Content
		}
	}
	check("streamed chat", stream.Err() == nil && text != "", stream.Err())

	response, err := client.Responses.New(ctx, responses.ResponseNewParams{
		Model:           "gpt-4.1",
		Input:           responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello")},
		MaxOutputTokens: openai.Int(16),
	})
	check("a response", err == nil && response.OutputText() != "", err)

	vectors, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: "text-embedding-3-small",
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}},
	})
	check("embeddings", err == nil && len(vectors.Data) == 2, err)
}

func check(title string, passed bool, err error) {
	if !passed {
		log.Fatalf("failed: %s (%v)", title, err)
	}
	fmt.Println("ok:", title)
}
