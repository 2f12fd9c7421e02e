// The client of Azure OpenAI for .NET. Its own retries are off, so that each error shows.
using System.ClientModel;
using System.ClientModel.Primitives;
using Azure.AI.OpenAI;
using OpenAI.Chat;

var url = Environment.GetEnvironmentVariable("SIMULATOR_URL") ?? "http://127.0.0.1:8000";
var key = Environment.GetEnvironmentVariable("SIMULATOR_API_KEY") ?? "secret";
var options = new AzureOpenAIClientOptions { RetryPolicy = new ClientRetryPolicy(0) };
var azure = new AzureOpenAIClient(new Uri(url), new ApiKeyCredential(key), options);
var chat = azure.GetChatClient("gpt-4o");
var limited = new ChatCompletionOptions { MaxOutputTokenCount = 5 };
ChatMessage[] messages = [new UserChatMessage("Hello")];

ChatCompletion answer = await chat.CompleteChatAsync(messages, limited);
Check("chat", answer.Usage.OutputTokenCount == 5);

var text = "";
await foreach (var update in chat.CompleteChatStreamingAsync(messages, limited))
{
    foreach (var part in update.ContentUpdate) text += part.Text;
}
Check("streamed chat", text != "");

var vectors = await azure.GetEmbeddingClient("text-embedding-3-small").GenerateEmbeddingsAsync(["a", "b"]);
Check("embeddings", vectors.Value.Count == 2);

var refused = 0;
try
{
    await chat.CompleteChatAsync(messages, new ChatCompletionOptions { Temperature = 3 });
}
catch (ClientResultException error)
{
    refused = error.Status;
}
Check("a bad request", refused == 400);

static void Check(string title, bool passed)
{
    if (!passed) throw new InvalidOperationException($"failed: {title}");
    Console.WriteLine($"ok: {title}");
}
