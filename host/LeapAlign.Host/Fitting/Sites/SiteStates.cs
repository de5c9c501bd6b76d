using System.Globalization;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary>Where a site is in the list of events.</summary>
/// <param name="Meeting">The meeting that it was kept at.</param>
/// <param name="Time">The time of the last event of the list.</param>
/// <param name="NodeTime">The time of the last event of the site.</param>
/// <param name="Vectors">x, x̃, y, ỹ, z and z̃.</param>
internal sealed record SiteState(int Meeting, double Time, double NodeTime, double[] Vectors);

/// <summary>
/// The states of a site on the disk: those of its last two meetings, since a kill may come when some sites have written the last one and others have not. All of them go on from the last that all have.
/// </summary>
/// <param name="stem">The path that both files begin with.</param>
/// <param name="fingerprint">What the events and the rows of the site are; states of others are not found.</param>
internal sealed class SiteStates(string stem, string fingerprint)
{
    private const string Vectors = "vectors";

    /// <summary>Writes a state in the place of the one before the last.</summary>
    public Result<Unit> Save(SiteState state)
    {
        using var scope = NewDisposeScope();
        return SafetensorsWriter.Write(Place(stem, state.Meeting), [new TensorToWrite(Vectors, tensor(state.Vectors, dtype: ScalarType.Float64), ScalarType.Float64)], new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["fingerprint"] = fingerprint,
            ["meeting"] = state.Meeting.ToString(CultureInfo.InvariantCulture),
            ["time"] = state.Time.ToString("R", CultureInfo.InvariantCulture),
            ["node.time"] = state.NodeTime.ToString("R", CultureInfo.InvariantCulture),
        });
    }

    /// <summary>The states that are there, from the last; one that is damaged or of another fit is not among them.</summary>
    public IReadOnlyList<SiteState> Read() => [.. Enumerable.Range(0, 2).Select(Read).OfType<SiteState>().OrderByDescending(static state => state.Meeting)];

    /// <summary>Removes states.</summary>
    /// <param name="stem">The path that both files begin with.</param>
    public static void Remove(string stem)
    {
        foreach (var meeting in new[] { 0, 1 }) File.Delete(Place(stem, meeting));
    }

    private SiteState? Read(int place)
    {
        if (!File.Exists(Place(stem, place)) || !SafetensorsFile.Open(Place(stem, place)).TryGet(out var file, out _)) return null;
        using (file)
        {
            double Number(string key) => double.TryParse(file.Metadata.GetValueOrDefault(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;
            if (file.Metadata.GetValueOrDefault("fingerprint") != fingerprint || !file.Entries.ContainsKey(Vectors)) return null;
            return file.Read(Vectors).Match<SiteState?>(
                read =>
                {
                    using (read) return new SiteState((int)Number("meeting"), Number("time"), Number("node.time"), read.data<double>().ToArray());
                },
                static _ => null);
        }
    }

    private static string Place(string stem, int meeting) => $"{stem}.{meeting % 2}";
}
