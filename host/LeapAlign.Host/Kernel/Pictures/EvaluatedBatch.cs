using LeapAlign.Host.Kernel.Ranks;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>What an evaluation found of one batch of pictures.</summary>
/// <param name="Index">The batch of the evaluation, from 0.</param>
/// <param name="Scores">Every reward of each picture.</param>
/// <param name="Measures">Measures of artefacts and diversity.</param>
/// <param name="PicturesSha256">Of the pictures as they were scored.</param>
internal sealed record EvaluatedBatch(int Index, IReadOnlyDictionary<string, double[]> Scores, IReadOnlyDictionary<string, double[]> Measures, byte[] PicturesSha256)
{
    /// <summary>Those of its pictures that are shown.</summary>
    public IReadOnlyList<SamplePicture> Samples { get; init; } = [];

    /// <summary>The batches of all processes in the order of the evaluation, in every process.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="own">Those of this one.</param>
    public static IReadOnlyList<EvaluatedBatch> Gathered(RunRanks ranks, IReadOnlyList<EvaluatedBatch> own)
    {
        if (ranks.IsAlone) return own;
        var all = TallyBytes.Gathered(
            ranks,
            "an evaluation",
            writer =>
            {
                writer.Write(own.Count);
                foreach (var batch in own) batch.Write(writer);
            },
            static (reader, _, into) =>
            {
                for (var count = reader.ReadInt32(); count > 0; count--) into.Add(Read(reader));
            },
            new List<EvaluatedBatch>());
        return [.. all.OrderBy(static batch => batch.Index)];
    }

    private void Write(BinaryWriter writer)
    {
        writer.Write(Index);
        Write(writer, Scores);
        Write(writer, Measures);
        writer.Write(PicturesSha256.Length);
        writer.Write(PicturesSha256);
        writer.Write(Samples.Count);
        foreach (var sample in Samples)
        {
            writer.Write(sample.Caption);
            Write(writer, sample.Scores.ToDictionary(static pair => pair.Key, static pair => (double[])[pair.Value]));
            writer.Write(sample.Width);
            writer.Write(sample.Height);
            writer.Write(sample.Pixels.Length);
            writer.Write(sample.Pixels);
        }
    }

    private static EvaluatedBatch Read(BinaryReader reader)
    {
        var batch = new EvaluatedBatch(reader.ReadInt32(), ReadColumns(reader), ReadColumns(reader), reader.ReadBytes(reader.ReadInt32()));
        List<SamplePicture> samples = [];
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            var (caption, scores) = (reader.ReadString(), ReadColumns(reader));
            samples.Add(new SamplePicture(caption, scores.ToDictionary(static pair => pair.Key, static pair => pair.Value[0]), reader.ReadInt32(), reader.ReadInt32(), reader.ReadBytes(reader.ReadInt32())));
        }
        return batch with { Samples = samples };
    }

    private static void Write(BinaryWriter writer, IReadOnlyDictionary<string, double[]> columns)
    {
        writer.Write(columns.Count);
        foreach (var (name, values) in columns)
        {
            writer.Write(name);
            writer.Write(values.Length);
            foreach (var value in values) writer.Write(value);
        }
    }

    private static Dictionary<string, double[]> ReadColumns(BinaryReader reader)
    {
        Dictionary<string, double[]> columns = [];
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            var name = reader.ReadString();
            var values = new double[reader.ReadInt32()];
            for (var place = 0; place < values.Length; place++) values[place] = reader.ReadDouble();
            columns[name] = values;
        }
        return columns;
    }
}
