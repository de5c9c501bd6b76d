using System.Text.Json;
using LeapAlign.Host.Telemetry.Export.Files;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>The file of telemetry where it cannot be written.</summary>
public sealed class TelemetryFileTests : IDisposable
{
    private readonly TestWorkspace _workspace = new();
    private readonly List<Fault> _warnings = [];

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void What_cannot_be_written_is_one_warning_and_later_lines_are_tried_again()
    {
        var folder = Path.Combine(_workspace.Folder, "run");
        using (var file = new TelemetryFile(_warnings.Add))
        {
            Assert.True(file.Append(Line(1)));
            file.Open(folder);
            Assert.False(file.Append(Line(2)));
            Assert.Equal((FaultCodes.TelemetryNotKept, true), (Assert.Single(_warnings).Code, _warnings[0].ToString().Contains(TelemetryFile.Name, StringComparison.Ordinal)));
            Directory.CreateDirectory(folder);
            Assert.True(file.Append(Line(3)));
        }
        Assert.Equal(["{\"line\":3}"], File.ReadLines(Path.Combine(folder, TelemetryFile.Name)));
        Assert.Single(_warnings);
    }

    [Fact]
    public void A_device_that_is_full_ends_nothing()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("there is no device that is always full");
        File.CreateSymbolicLink(Path.Combine(_workspace.Folder, TelemetryFile.Name), "/dev/full");
        using (var file = new TelemetryFile(_warnings.Add))
        {
            file.Open(_workspace.Folder);
            Assert.False(file.Append(Line(1)));
            Assert.False(file.Append(Line(2)));
        }
        Assert.Single(_warnings);
    }

    [Fact]
    public void What_waits_for_a_folder_that_never_comes_does_not_grow_for_ever()
    {
        using var file = new TelemetryFile(_warnings.Add);
        var kept = Enumerable.Range(0, 20_000).Count(line => file.Append(Line(line)));
        Assert.InRange(kept, 1, 10_000);
    }

    private static Action<Utf8JsonWriter> Line(int number) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("line", number);
        writer.WriteEndObject();
    };
}
