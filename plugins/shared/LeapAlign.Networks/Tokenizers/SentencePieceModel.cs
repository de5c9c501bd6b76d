using Google.Protobuf;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A SentencePiece model, from either form of file.</summary>
/// <param name="Path">The file that it comes from.</param>
/// <param name="Bytes">The model (protobuf) as the tokenizer library can read it.</param>
/// <param name="Characters">Its table of replacements.</param>
internal sealed record SentencePieceModel(string Path, byte[] Bytes, byte[] Characters)
{
    /// <summary>The tags of sentencepiece_model.proto: number &lt;&lt; 3 | wire type.</summary>
    public const uint PiecesTag = (1 << 3) | 2;

    /// <summary>The training settings.</summary>
    public const uint TrainerTag = (2 << 3) | 2;

    /// <summary>The normalisation.</summary>
    public const uint NormalizerTag = (3 << 3) | 2;

    /// <summary>The id of the token that begins a text, in the training settings.</summary>
    public const uint BeginIdTag = 41 << 3;

    private const uint CharactersTag = (2 << 3) | 2;

    /// <summary>Reads spiece.model, or rebuilds it from tokenizer.json where only that is there.</summary>
    public static Result<SentencePieceModel> Load(string folder)
    {
        var (model, whole) = (System.IO.Path.Combine(folder, "spiece.model"), System.IO.Path.Combine(folder, "tokenizer.json"));
        if (File.Exists(model)) return TokenizerFile.Bytes(model).Bind(bytes => Read(model, bytes));
        return File.Exists(whole)
            ? SentencePieceJson.Load(whole)
            : TokenizerFile.Bad(model, "this file of the tokenizer is missing: spiece.model or tokenizer.json has to be there");
    }

    /// <summary>A message as a field of another.</summary>
    public static byte[] Message(uint tag, Action<CodedOutputStream> write)
    {
        using var inner = new MemoryStream();
        using (var output = new CodedOutputStream(inner, leaveOpen: true)) write(output);
        using var outer = new MemoryStream();
        using (var output = new CodedOutputStream(outer, leaveOpen: true))
        {
            output.WriteTag(tag);
            output.WriteBytes(ByteString.CopyFrom(inner.ToArray()));
        }
        return outer.ToArray();
    }

    /// <summary>A number as a field.</summary>
    public static void Number(CodedOutputStream output, uint tag, int value)
    {
        output.WriteTag(tag);
        output.WriteInt32(value);
    }

    private static Result<SentencePieceModel> Read(string path, byte[] bytes)
    {
        try
        {
            var normalizer = Field(bytes, NormalizerTag);
            // T5 has no token to begin with (bos_id = -1), which the library indexes its pieces with: protobuf lets the last value of a field win.
            byte[] readable = [.. bytes, .. Message(TrainerTag, output => Number(output, BeginIdTag, 0))];
            return new SentencePieceModel(path, readable, normalizer is null ? [] : Field(normalizer, CharactersTag) ?? []);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            return TokenizerFile.Bad(path, $"this is not a SentencePiece model: {malformed.Message}");
        }
    }

    private static byte[]? Field(byte[] message, uint wanted)
    {
        var input = new CodedInputStream(message);
        byte[]? field = null;
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == wanted) field = input.ReadBytes().ToByteArray();
            else input.SkipLastField();
        }
        return field;
    }
}
