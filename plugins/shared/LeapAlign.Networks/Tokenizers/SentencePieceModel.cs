using System.Text.Json;
using Google.Protobuf;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A SentencePiece model (protobuf) as the library can read it.</summary>
/// <param name="Path">The file that it comes from.</param>
/// <param name="Bytes">The model.</param>
internal sealed record SentencePieceModel(string Path, byte[] Bytes)
{
    // The tags of sentencepiece_model.proto: number << 3 | wire type.
    private const uint PiecesTag = (1 << 3) | 2;
    private const uint TrainerTag = (2 << 3) | 2;
    private const uint NormalizerTag = (3 << 3) | 2;
    private const uint PieceTextTag = (1 << 3) | 2;
    private const uint PieceScoreTag = (2 << 3) | 5;
    private const uint PieceTypeTag = 3 << 3;
    private const uint ModelTypeTag = 3 << 3;
    private const uint UnknownIdTag = 40 << 3;
    private const uint BeginIdTag = 41 << 3;
    private const uint EndIdTag = 42 << 3;
    private const uint PadIdTag = 43 << 3;
    private const uint CharactersTag = (2 << 3) | 2;

    private enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
    }

    /// <summary>Reads spiece.model, or rebuilds it from tokenizer.json where only that is there.</summary>
    public static Result<SentencePieceModel> Load(string folder)
    {
        var (model, whole) = (System.IO.Path.Combine(folder, "spiece.model"), System.IO.Path.Combine(folder, "tokenizer.json"));
        if (File.Exists(model))
        {
            // T5 has no start token (bos_id = -1), which the library indexes its pieces with: protobuf lets the last value of a field win.
            return TokenizerFile.Bytes(model).Map(bytes => new SentencePieceModel(model, [.. bytes, .. Message(TrainerTag, output => Number(output, BeginIdTag, 0))]));
        }
        return File.Exists(whole)
            ? TokenizerFile.Json(whole, root => Rebuild(whole, root))
            : TokenizerFile.Bad(model, "this file of the tokenizer is missing: spiece.model or tokenizer.json has to be there");
    }

    private static Result<SentencePieceModel> Rebuild(string path, JsonElement root) =>
        from model in TokenizerFile.Field(path, root, "model", JsonValueKind.Object)
        from type in TokenizerFile.Field(path, model, "type", JsonValueKind.String)
        from pieces in TokenizerFile.Field(path, model, "vocab", JsonValueKind.Array)
        from unknown in TokenizerFile.Field(path, model, "unk_id", JsonValueKind.Number)
        from special in Special(path, root)
        from characters in Characters(path, root)
        from bytes in type.GetString() == "Unigram"
            ? Write(path, pieces, (unknown.TryGetInt32(out var id) ? id : -1, special, characters))
            : TokenizerFile.Bad(path, $"the tokenizer's model is {type.GetRawText()}, but has to be Unigram", "model.type")
        select new SentencePieceModel(path, bytes);

    private static Result<Dictionary<string, int>> Special(string path, JsonElement root)
    {
        var special = new Dictionary<string, int>();
        if (!root.TryGetProperty("added_tokens", out var tokens) || tokens.ValueKind != JsonValueKind.Array) return special;
        foreach (var entry in tokens.EnumerateArray())
        {
            if (!TokenizerOptions.Token(path, entry, null).TryGet(out var token, out var fault)) return fault;
            special[token.Content] = token.Id;
        }
        return special;
    }

    // The table is the normalizer itself or one of a sequence.
    private static Result<byte[]> Characters(string path, JsonElement root)
    {
        if (!root.TryGetProperty("normalizer", out var normalizer) || normalizer.ValueKind != JsonValueKind.Object) return Array.Empty<byte>();
        var steps = normalizer.TryGetProperty("normalizers", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToArray() : [normalizer];
        foreach (var step in steps)
        {
            if (step.ValueKind != JsonValueKind.Object || !step.TryGetProperty("precompiled_charsmap", out var map) || map.ValueKind == JsonValueKind.Null) continue;
            return map.ValueKind == JsonValueKind.String && map.TryGetBytesFromBase64(out var bytes)
                ? bytes
                : TokenizerFile.Bad(path, "the table of characters is not base64", "normalizer.precompiled_charsmap");
        }
        return Array.Empty<byte>();
    }

    private static Result<byte[]> Write(string path, JsonElement pieces, (int Unknown, Dictionary<string, int> Special, byte[] Characters) parts)
    {
        if (parts.Unknown < 0 || parts.Unknown >= pieces.GetArrayLength()) return TokenizerFile.Bad(path, "'unk_id' is no piece", "model.unk_id");
        if (!parts.Special.TryGetValue("</s>", out var end)) return TokenizerFile.Bad(path, "the end token '</s>' is missing", "added_tokens");
        using var output = new MemoryStream();
        var id = 0;
        foreach (var piece in pieces.EnumerateArray())
        {
            if (piece.ValueKind != JsonValueKind.Array || piece.GetArrayLength() != 2 || piece[0].ValueKind != JsonValueKind.String || piece[1].ValueKind != JsonValueKind.Number)
                return TokenizerFile.Bad(path, $"the entry {id} of the vocabulary is no pair of a piece and its score", "model.vocab");
            var text = piece[0].GetString()!;
            var type = id++ == parts.Unknown ? PieceType.Unknown : parts.Special.ContainsKey(text) ? PieceType.Control : PieceType.Normal;
            output.Write(Piece(text, (float)piece[1].GetDouble(), type));
        }
        output.Write(Message(TrainerTag, trainer =>
        {
            Number(trainer, ModelTypeTag, 1);
            Number(trainer, UnknownIdTag, parts.Unknown);
            Number(trainer, BeginIdTag, 0);
            Number(trainer, EndIdTag, end);
            Number(trainer, PadIdTag, parts.Special.GetValueOrDefault("<pad>"));
        }));
        output.Write(Message(NormalizerTag, normalizer =>
        {
            normalizer.WriteTag(CharactersTag);
            normalizer.WriteBytes(ByteString.CopyFrom(parts.Characters));
        }));
        return output.ToArray();
    }

    private static byte[] Piece(string text, float score, PieceType type) => Message(PiecesTag, piece =>
    {
        piece.WriteTag(PieceTextTag);
        piece.WriteString(text);
        piece.WriteTag(PieceScoreTag);
        piece.WriteFloat(score);
        Number(piece, PieceTypeTag, (int)type);
    });

    private static void Number(CodedOutputStream output, uint tag, int value)
    {
        output.WriteTag(tag);
        output.WriteInt32(value);
    }

    private static byte[] Message(uint tag, Action<CodedOutputStream> write)
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
}
