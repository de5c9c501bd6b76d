using Google.Protobuf;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A unigram SentencePiece model, from either form of file.</summary>
/// <param name="Path">The file that it comes from.</param>
/// <param name="Pieces">Its pieces and their scores; the id of a piece is its place.</param>
/// <param name="Control">Pieces that are never part of a word, such as the end token; tokenizer.json names them elsewhere.</param>
/// <param name="Characters">Its table of replacements; empty for none.</param>
internal sealed record SentencePieceModel(string Path, IReadOnlyList<(string Text, float Score)> Pieces, IReadOnlyList<AddedToken> Control, byte[] Characters)
{
    /// <summary>The place of the piece that stands for what no other fits: the library takes the third, whatever the file says.</summary>
    public const int Unknown = 2;

    private const uint PiecesTag = (1 << 3) | 2;
    private const uint NormalizerTag = (3 << 3) | 2;
    private const uint CharactersTag = (2 << 3) | 2;
    private const uint TextTag = (1 << 3) | 2;
    private const uint ScoreTag = (2 << 3) | 5;
    private const uint TypeTag = 3 << 3;
    private const int ControlType = 3;
    private const int UserType = 4;

    /// <summary>Whether it comes from tokenizer.json, which lists every piece; a spiece.model lacks the extra ids of T5.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Reads tokenizer.json, or spiece.model where that is not there.</summary>
    public static Result<SentencePieceModel> Load(string folder)
    {
        var (model, whole) = (System.IO.Path.Combine(folder, "spiece.model"), System.IO.Path.Combine(folder, "tokenizer.json"));
        if (File.Exists(whole)) return SentencePieceJson.Load(whole);
        return File.Exists(model)
            ? TokenizerFile.Bytes(model).Bind(bytes => Read(model, bytes))
            : TokenizerFile.Bad(model, "this file of the tokenizer is missing: spiece.model or tokenizer.json has to be there");
    }

    private static Result<SentencePieceModel> Read(string path, byte[] bytes)
    {
        try
        {
            List<(string, float)> pieces = [];
            List<AddedToken> control = [];
            byte[] characters = [];
            var input = new CodedInputStream(bytes);
            while (input.ReadTag() is var tag and not 0)
            {
                if (tag == PiecesTag)
                {
                    var (text, score, type) = Piece(input.ReadBytes().ToByteArray());
                    pieces.Add((text, score));
                    if (type is ControlType or UserType && text.Length > 0) control.Add(new AddedToken(text) { Special = type == ControlType });
                }
                else if (tag == NormalizerTag) characters = Field(input.ReadBytes().ToByteArray(), CharactersTag) ?? characters;
                else input.SkipLastField();
            }
            return new SentencePieceModel(path, pieces, control, characters);
        }
        catch (Exception malformed) when (malformed is InvalidProtocolBufferException or ArgumentException)
        {
            return TokenizerFile.Bad(path, $"this is not a SentencePiece model: {malformed.Message}");
        }
    }

    private static (string Text, float Score, int Type) Piece(byte[] message)
    {
        var (text, score, type) = ("", 0f, 1);
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == TextTag) text = input.ReadString();
            else if (tag == ScoreTag) score = input.ReadFloat();
            else if (tag == TypeTag) type = input.ReadEnum();
            else input.SkipLastField();
        }
        return (text, score, type);
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
