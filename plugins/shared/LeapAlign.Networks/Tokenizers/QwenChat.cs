using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// A caption as Qwen3's models are asked: one message of a user, and the beginning of an answer. Templates of conversations are programs, which are not run; that of a folder has to be one of Qwen3's,
/// which write such a message as this does.
/// </summary>
public static class QwenChat
{
    private const string File = "chat_template.jinja";
    private const string Key = "chat_template";
    private static readonly string[] Written = ["<|im_start|>", "<|im_end|>", "assistant", "enable_thinking", "<think>"];

    // Templates of older models say who the model is before the message.
    private const string Introduced = "You are Qwen";

    /// <summary>The message, where the model may think before it answers: it begins its thoughts itself.</summary>
    /// <param name="caption">The caption, which is written as it is.</param>
    public static string Asking(string caption) => $"<|im_start|>user\n{caption}<|im_end|>\n<|im_start|>assistant\n";

    /// <summary>Requires a template of Qwen3's: in chat_template.jinja, which hides that of tokenizer_config.json.</summary>
    internal static Result<Unit> Require(string folder)
    {
        var file = Path.Combine(folder, File);
        if (System.IO.File.Exists(file))
            return TokenizerFile.Lines(file).Bind(lines => IsOfQwen(string.Join('\n', lines)) ? Result.Ok(Unit.Value) : TokenizerFile.Bad(file, "this is no template of Qwen3's, and templates are not run: one that writes <|im_start|> and <|im_end|>, and <think> where enable_thinking is false, is known"));
        var config = Path.Combine(folder, "tokenizer_config.json");
        var isThere = System.IO.File.Exists(config) ? TokenizerFile.Json(config, static root => Result.Ok(root.TryGetProperty(Key, out var template) && template.ValueKind != JsonValueKind.Null)) : false;
        return isThere.Bind(there => there ? Result.Ok(Unit.Value) : TokenizerFile.Bad(file, "this file of the tokenizer is missing: a template of conversations has to be there, or in tokenizer_config.json", Key));
    }

    /// <summary>Whether what tokenizer_config.json says is such a template; of several the one that is named default counts.</summary>
    internal static bool IsOfQwen(JsonElement template) => template.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => IsOfQwen(template.GetString()!),
        JsonValueKind.Array => template.EnumerateArray().Any(static one => one.ValueKind == JsonValueKind.Object && one.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            && name.GetString() == "default" && one.TryGetProperty("template", out var text) && text.ValueKind == JsonValueKind.String && IsOfQwen(text.GetString()!)),
        _ => false,
    };

    private static bool IsOfQwen(string template) => Written.All(word => template.Contains(word, StringComparison.Ordinal)) && !template.Contains(Introduced, StringComparison.Ordinal);
}
