using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace LeapAlign.Integration.Tests.Telemetry.Receivers;

/// <summary>The .NET Aspire dashboard, started as its documentation says: a program, with addresses in environment variables.</summary>
internal sealed class AspireDashboard : IDisposable
{
    private readonly Process _process;
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-dashboard-").FullName;

    private AspireDashboard(string program, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        // Its own keys and state belong into a folder that goes with it.
        start.Environment["HOME"] = _folder;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The page.</summary>
    public required Uri Page { get; init; }

    public required string Grpc { get; init; }

    public required string Http { get; init; }

    /// <summary>Starts it and waits until its page answers.</summary>
    public static async Task<AspireDashboard> Start()
    {
        var program = typeof(AspireDashboard).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static attribute => attribute.Key == "AspireDashboard").Value!;
        var (page, grpc, http) = ($"http://127.0.0.1:{FreePort()}", $"http://127.0.0.1:{FreePort()}", $"http://127.0.0.1:{FreePort()}");
        var dashboard = new AspireDashboard(program, new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = page,
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = grpc,
            ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = http,
            ["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true",
        })
        {
            Page = new Uri(page),
            Grpc = grpc,
            Http = http,
        };
        using var client = new HttpClient { BaseAddress = dashboard.Page };
        var until = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri("/", UriKind.Relative));
                if (answer.IsSuccessStatusCode) return dashboard;
            }
            catch (HttpRequestException) when (DateTime.UtcNow < until && !dashboard._process.HasExited)
            {
                await Task.Delay(200);
            }
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
